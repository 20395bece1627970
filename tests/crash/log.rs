//! The client's own log: what was asked, and what came of it.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use tallystick::command::TokenView;
use tallystick::wire::Status;

use crate::ask::{Ask, Digits};

/// Counts what happens, so that "before" can be told over all connections.
#[derive(Debug, Default)]
pub struct Clock(AtomicU64);

impl Clock {
    pub fn tick(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }
}

/// An idempotency key, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub u64);

impl fmt::Display for Key {
    /// The key's bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "crash-{:012x}", self.0)
    }
}

/// A request and what came of it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub ask: Ask,
    pub key: Option<Key>,
    /// When it was handed to the connection.
    pub sent: u64,
    /// When its answer was read; of an unknown one, when the daemon was dead.
    pub ended: u64,
    pub outcome: Outcome,
}

/// The three states of a request.
#[derive(Debug, Clone)]
pub enum Outcome {
    Acknowledged(Answer),
    Refused(Status),
    /// Sent, and no reply came.
    Unknown,
}

/// A reply that is no refusal.
#[derive(Debug, Clone)]
pub struct Answer {
    pub told: Told,
    /// The body as it came over the socket; empty where it holds a PAN.
    pub bytes: Vec<u8>,
}

/// What a reply says.
#[derive(Debug, Clone)]
pub enum Told {
    Issued {
        atc: u32,
        cryptogram: tallystick::types::Cryptogram,
    },
    IssuedShort {
        atc: u32,
        value: Digits,
    },
    Accepted {
        atc: u32,
    },
    Token(Box<TokenView>),
    /// A PAN: whether it is the card's.
    Pan {
        right: bool,
    },
}

impl Entry {
    pub fn status(&self) -> Option<Status> {
        if let Outcome::Refused(status) = self.outcome { Some(status) } else { None }
    }

    pub fn told(&self) -> Option<&Told> {
        if let Outcome::Acknowledged(answer) = &self.outcome { Some(&answer.told) } else { None }
    }

    pub const fn is_unknown(&self) -> bool {
        matches!(self.outcome, Outcome::Unknown)
    }

    /// Whether two attempts at one request ended the same.
    pub fn agrees_with(&self, other: &Self) -> bool {
        match (&self.outcome, &other.outcome) {
            (Outcome::Acknowledged(one), Outcome::Acknowledged(two)) => one.bytes == two.bytes,
            (Outcome::Refused(one), Outcome::Refused(two)) => one == two,
            _ => false,
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ask, key, sent, ended, outcome } = self;
        write!(f, "{sent}-{ended} {ask}")?;
        if let Some(key) = key {
            write!(f, " key {key}")?;
        }
        match outcome {
            Outcome::Unknown => f.write_str(": no reply"),
            Outcome::Refused(status) => write!(f, ": refused, {}", status.name()),
            Outcome::Acknowledged(Answer { told, .. }) => match told {
                Told::Issued { atc, .. } | Told::IssuedShort { atc, .. } => write!(f, ": ATC {atc}"),
                Told::Accepted { atc } => write!(f, ": accepted, ATC {atc}"),
                Told::Token(view) => write!(f, ": token {} {}", view.token, view.providers.overall().name()),
                Told::Pan { right } => f.write_str(if *right { ": the PAN" } else { ": another PAN" }),
            },
        }
    }
}
