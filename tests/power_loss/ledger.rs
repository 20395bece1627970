//! What a client was told, and may hold the engine to.

mod answer;
mod expect;

use std::collections::BTreeMap;

use tallystick::command::{Issued, Refusal, TokenView};
use tallystick::types::{Cryptogram, ShortValue};

pub use self::expect::Expect;
use crate::ask::{Ask, Deed};

/// Seconds for which the engines here remember an idempotency key.
pub const KEY_SECONDS: u64 = 1200;
/// Counters kept behind the newest consumed.
const WINDOW: u32 = 64;
/// Short values of a token that are outstanding at a time.
const OUTSTANDING: usize = 4;

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// The store does not open, or what is in it cannot be trusted.
    Unopenable(String),
    /// The store fails though nothing fails it.
    Failed(String),
    /// A token that was told is not known, or another than it was.
    LostToken(String),
    /// A change of status that was told is undone.
    LostStatus(usize),
    /// A counter that was told is said never to have been issued.
    LostIssue(usize, u32),
    /// A counter was told twice.
    AtcTwice(usize, u32),
    /// A counter was accepted twice.
    AcceptedTwice(usize, u32),
    /// A retry gave something else.
    RetryDiffers(Ask),
    /// An answer that the request cannot have had.
    Unexpected(Ask, String),
    /// The store went on after it had failed.
    NotPoisoned(String),
}

/// All that was told, and what was asked and never answered.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// Unix seconds.
    pub now: u64,
    pub tokens: Vec<Token>,
    /// Answers under an idempotency key.
    pub keyed: Vec<Keyed>,
    /// Requests under a key that an outage cut off, and when they were asked
    /// first: they happened, or did not.
    pub limbo: Vec<(Ask, u64)>,
    /// Answers told, and how many of them were that the disk is full.
    pub told: u64,
    pub full: u64,
    next_key: u32,
}

#[derive(Debug, Clone)]
pub struct Token {
    pub view: TokenView,
    /// Suspended or not; unknown if a change was cut off.
    pub suspended: Option<bool>,
    /// By counter.
    pub made: BTreeMap<u32, Made>,
    /// Short values that were asked for and perhaps made, but not told.
    shorts_untold: usize,
}

/// What was made with a counter.
#[derive(Debug, Clone, Copy)]
pub struct Made {
    pub value: Value,
    pub units: u64,
    pub fate: Fate,
}

#[derive(Debug, Clone, Copy)]
pub enum Value {
    Cryptogram(Cryptogram),
    Short(ShortValue),
}

/// Whether a counter is consumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Unused,
    /// Its verification was asked for and is not answered yet.
    Asked,
    /// An outage cut its verification off.
    Maybe,
    Used,
}

/// An answer under an idempotency key.
#[derive(Debug, Clone)]
pub struct Keyed {
    pub ask: Ask,
    pub kept: Kept,
    pub expires: u64,
}

/// What is compared of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    Issued(Issued),
    Verified(u32),
    Token(Box<TokenView>),
}

impl Ledger {
    pub const fn new(now: u64) -> Self {
        Self { now, tokens: Vec::new(), keyed: Vec::new(), limbo: Vec::new(), told: 0, full: 0, next_key: 0 }
    }

    /// A key that was not used yet.
    pub fn new_key(&mut self) -> u32 {
        self.next_key += 1;
        self.next_key
    }

    /// Notes that a request was executed, and says how it may be answered.
    /// `closed`: why the engine takes nothing new on, if so.
    pub fn asked(&mut self, ask: Ask, closed: Option<Refusal>) -> Expect {
        let expect = Expect::of(self, ask, closed);
        let Some(token) = ask.deed.token().and_then(|token| self.tokens.get_mut(token)) else {
            return expect;
        };
        if let Deed::IssueShort { .. } = ask.deed {
            token.shorts_untold += 1;
        }
        match ask.deed {
            _ if !expect.may_succeed() => {}
            Deed::Suspend { .. } => token.suspended = Some(true),
            Deed::Resume { .. } => token.suspended = Some(false),
            Deed::Verify { atc, .. } | Deed::VerifyShort { atc, .. } => {
                let fate = if expect.is_certain() { Fate::Asked } else { Fate::Maybe };
                let made = token.made.get_mut(&atc).filter(|made| made.fate == Fate::Unused);
                made.into_iter().for_each(|made| made.fate = fate);
            }
            _ => {}
        }
        expect
    }

    /// Notes that requests will never be answered: their effects are there or not.
    pub fn cut_off(&mut self, asks: impl IntoIterator<Item = Ask>) {
        for ask in asks {
            let known = self.keyed.iter().any(|keyed| keyed.ask == ask) || self.is_in_limbo(ask);
            if ask.key.is_some() && !known {
                self.limbo.push((ask, self.now));
            }
            let Some(token) = ask.deed.token().and_then(|token| self.tokens.get_mut(token)) else {
                continue;
            };
            if let Deed::Suspend { .. } | Deed::Resume { .. } = ask.deed {
                token.suspended = None;
            }
        }
        let all = self.tokens.iter_mut().flat_map(|token| token.made.values_mut());
        for made in all.filter(|made| made.fate == Fate::Asked) {
            made.fate = Fate::Maybe;
        }
    }

    /// Forgets the keys whose time is over.
    pub fn expire(&mut self) {
        let now = self.now;
        self.keyed.retain(|keyed| keyed.expires > now);
    }

    fn is_in_limbo(&self, ask: Ask) -> bool {
        self.limbo.iter().any(|(other, _)| *other == ask)
    }
}

impl Token {
    fn new(view: TokenView) -> Self {
        Self { view, suspended: Some(false), made: BTreeMap::new(), shorts_untold: 0 }
    }

    /// The newest counter with a fate that `counts`, 0 if none.
    fn newest(&self, counts: impl Fn(Fate) -> bool) -> u32 {
        self.made.iter().rev().find(|(_, made)| counts(made.fate)).map_or(0, |(atc, _)| *atc)
    }

    /// How many short values may have pushed this one out.
    fn newer_shorts(&self, atc: u32) -> usize {
        let newer = self.made.range(atc + 1..);
        newer.filter(|(_, made)| matches!(made.value, Value::Short(_))).count() + self.shorts_untold
    }
}

/// Which promise a refusal breaks that could not be.
fn broken_by(ask: Ask, refusal: Refusal) -> Violation {
    let token = ask.deed.token().unwrap_or(usize::MAX);
    match refusal {
        Refusal::UnknownToken => Violation::LostToken(format!("{token}")),
        Refusal::NeverIssued => Violation::LostIssue(token, ask.deed.consumes().map_or(0, |(_, atc)| atc)),
        Refusal::TokenSuspended => Violation::LostStatus(token),
        other => Violation::Unexpected(ask, format!("{other:?}")),
    }
}
