//! The roles of the daemon's threads.

use std::fmt;

use super::calls::{self, Call};

/// What a thread is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The first thread, from when it only waits for the end.
    Main,
    /// Waits for SIGTERM and SIGINT.
    Signals,
    /// Accepts connections on one socket and starts their threads.
    Listener,
    /// Answers one connection.
    Connection,
    /// Writes to the store.
    Committer,
    /// Puts the write-ahead log into the database.
    Checkpointer,
    /// Tells the anchor.
    Anchor,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Main,
        Self::Signals,
        Self::Listener,
        Self::Connection,
        Self::Committer,
        Self::Checkpointer,
        Self::Anchor,
    ];

    /// What its threads are called, or begin with.
    #[must_use]
    pub const fn thread_name(self) -> &'static str {
        match self {
            Self::Main => "tallyd",
            Self::Signals => "signals",
            Self::Listener => "listener",
            Self::Connection => "connection",
            Self::Committer => "committer",
            Self::Checkpointer => "checkpoint",
            Self::Anchor => "anchor",
        }
    }

    /// The system calls that several roles may make, each with its reason: what any
    /// thread does, and what writing to the store needs.
    #[must_use]
    pub const fn shared_calls() -> [&'static [Call]; 2] {
        [calls::EVERY, calls::WRITER]
    }

    /// Those that only this role may make.
    #[must_use]
    pub const fn own_calls(self) -> &'static [Call] {
        match self {
            Self::Main => calls::MAIN,
            Self::Signals => calls::SIGNALS,
            Self::Listener => calls::LISTENER,
            Self::Connection => calls::CONNECTION,
            Self::Committer => calls::COMMITTER,
            Self::Checkpointer => calls::CHECKPOINTER,
            Self::Anchor => calls::ANCHOR,
        }
    }

    /// All of them. A listener has its connections' too: they have its filter.
    pub fn calls(self) -> impl Iterator<Item = &'static Call> {
        let (writes, inherited): (&[Call], &[Call]) = match self {
            Self::Listener => (calls::WRITER, calls::CONNECTION),
            Self::Connection | Self::Committer => (calls::WRITER, &[]),
            _ => (&[], &[]),
        };
        calls::EVERY.iter().chain(writes).chain(self.own_calls()).chain(inherited)
    }

    /// Whether no thread before it has given up the capabilities for it.
    pub(super) const fn is_first_of_its_kind(self) -> bool {
        !matches!(self, Self::Connection)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.thread_name())
    }
}
