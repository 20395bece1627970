//! The roles of the daemon's threads.

use std::fmt;

use rustix::thread::CapabilitySet;

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
    /// Writes the audit log.
    Audit,
    /// Reads the store for a backup.
    Backup,
    /// Tells strangers why they are not let in.
    Porter,
    /// Ends connections with their processes.
    Watch,
    /// Looks at peers' executables.
    Examiner,
    /// Tells the service manager that the daemon is well.
    Watchdog,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 13] = [
        Self::Main,
        Self::Signals,
        Self::Listener,
        Self::Connection,
        Self::Committer,
        Self::Checkpointer,
        Self::Anchor,
        Self::Audit,
        Self::Backup,
        Self::Porter,
        Self::Watch,
        Self::Examiner,
        Self::Watchdog,
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
            Self::Audit => "audit",
            Self::Backup => "backup",
            Self::Porter => "porter",
            Self::Watch => "watch",
            Self::Examiner => "examiner",
            Self::Watchdog => "watchdog",
        }
    }

    /// The system calls that several roles may make, each with its reason: what any
    /// thread does, and what writing to the store needs.
    #[must_use]
    pub const fn shared_calls() -> [&'static [Call]; 5] {
        [calls::EVERY, calls::WRITER, calls::STARTER, calls::OPENER, calls::REMEMBERER]
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
            Self::Audit => calls::AUDIT,
            Self::Backup => calls::BACKUP,
            Self::Porter => calls::PORTER,
            Self::Watch => calls::WATCH,
            Self::Examiner => calls::EXAMINER,
            Self::Watchdog => calls::WATCHDOG,
        }
    }

    /// All of them. Who starts threads has their calls too: they have its filter.
    pub fn calls(self) -> impl Iterator<Item = &'static Call> {
        const OF_MAIN: &[&[Call]] = &[
            calls::STARTER,
            calls::OPENER,
            calls::WRITER,
            calls::COMMITTER,
            calls::CHECKPOINTER,
            calls::REMEMBERER,
            calls::AUDIT,
        ];
        let others: &[&[Call]] = match self {
            Self::Main => OF_MAIN,
            Self::Listener => &[calls::STARTER, calls::WRITER, calls::CONNECTION],
            Self::Connection | Self::Committer => &[calls::WRITER],
            Self::Backup => &[calls::OPENER],
            Self::Anchor | Self::Audit => &[calls::REMEMBERER],
            _ => &[],
        };
        let others = others.iter().flat_map(|list| list.iter());
        calls::EVERY.iter().chain(self.own_calls()).chain(others)
    }

    /// Those that it may make besides where the store is a database: whoever speaks to
    /// that.
    #[must_use]
    pub const fn database_calls(self) -> &'static [Call] {
        match self {
            Self::Main | Self::Committer => calls::DATABASE,
            _ => &[],
        }
    }

    /// Whether it starts threads.
    pub(super) const fn starts_threads(self) -> bool {
        matches!(self, Self::Main | Self::Listener)
    }

    /// Whether no thread before it has given up the capabilities for it.
    pub(super) const fn is_first_of_its_kind(self) -> bool {
        !matches!(self, Self::Connection)
    }

    /// The capabilities that it keeps, if the process was started with them.
    #[must_use]
    pub const fn capabilities(self) -> CapabilitySet {
        match self {
            // Which file another user's process executes.
            Self::Examiner => CapabilitySet::SYS_PTRACE,
            _ => CapabilitySet::empty(),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.thread_name())
    }
}
