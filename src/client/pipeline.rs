//! Requests out, answers in, many at a time.

mod receive;
mod send;

use std::collections::VecDeque;
use std::fmt;

use super::window::Window;
use super::{Answer, ClientError};
use crate::wire::{Intake, LEAST_FRAME, Opcode, PROTOCOL, Welcome, wipe};

/// A client of the daemon, for one thread. What it holds of requests and replies
/// is wiped when it was written or read.
pub struct Client<S> {
    stream: S,
    intake: Intake,
    /// Frames that are not written yet.
    out: Vec<u8>,
    window: Window,
    /// Answers that came in before they were asked for.
    ready: VecDeque<(u64, Result<Answer, ClientError>)>,
    last_id: u64,
    last_asked: Option<Opcode>,
    agreed: Welcome,
    broken: bool,
    /// Whether the body of the only answer under way is wanted as it comes.
    pub(super) keeps_body: bool,
    /// The daemon has said goodbye.
    gone: bool,
}

impl<S> Client<S> {
    /// A client that has not said HELLO yet.
    pub(super) fn new(stream: S, largest: u32) -> Self {
        let agreed = Welcome {
            version: PROTOCOL,
            frame: largest.max(LEAST_FRAME),
            in_flight: 1,
            server: String::new(),
        };
        Self {
            stream,
            intake: Intake::new(agreed.frame),
            out: Vec::new(),
            window: Window::default(),
            ready: VecDeque::new(),
            last_id: 0,
            last_asked: None,
            agreed,
            broken: false,
            keeps_body: false,
            gone: false,
        }
    }

    pub(super) fn agree(&mut self, welcome: Welcome) {
        self.intake.agree(welcome.frame);
        self.agreed = welcome;
    }

    /// What was agreed on: limits and the server's name and version.
    #[must_use]
    pub const fn agreed(&self) -> &Welcome {
        &self.agreed
    }

    /// Requests under way: submitted, and their answer not received.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.window.len() + self.ready.len()
    }

    /// Whether [`receive`](Self::receive) has an answer without reading.
    pub(super) fn has_answers(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether one more request may be submitted before an answer is received.
    #[must_use]
    pub fn has_room(&self) -> bool {
        u64::try_from(self.under_way()).is_ok_and(|count| count < u64::from(self.agreed.in_flight))
    }

    /// The operation that was put on its way last, for who tells of it.
    #[must_use]
    pub const fn last_asked(&self) -> Option<Opcode> {
        self.last_asked
    }

    /// The stream below.
    pub const fn stream(&self) -> &S {
        &self.stream
    }

    const fn check(&self) -> Result<(), ClientError> {
        match (self.gone, self.broken) {
            (true, _) => Err(ClientError::GoneAway),
            (false, true) => Err(ClientError::Broken),
            (false, false) => Ok(()),
        }
    }
}

impl<S> Drop for Client<S> {
    fn drop(&mut self) {
        wipe(&mut self.out);
    }
}

impl<S> fmt::Debug for Client<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Client({}, {} under way)", self.agreed.server, self.window.len() + self.ready.len())
    }
}
