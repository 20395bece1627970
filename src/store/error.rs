//! What can go wrong in a store.

use thiserror::Error;

/// Why a store refuses or fails. No variant carries stored content.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StoreError {
    /// Another process has the store open.
    #[error("the store is in use by another process")]
    InUse,
    /// The store was opened again elsewhere: this writer's epoch is over.
    #[error("the store was opened by a newer writer; this one is fenced off")]
    Fenced,
    /// Another node has come with a newer keyring than this one has, or with another one.
    #[error("the keyring is not the newest that a node has come with; put that in its place")]
    StaleKeyring,
    /// A group does not follow the last one.
    #[error("the commit group does not follow the last one")]
    OutOfOrder,
    /// No space is left.
    #[error("no space is left for the store")]
    Full,
    /// Whoever had it loaded wants it no more.
    #[error("loading was given up")]
    GivenUp,
    /// An earlier commit failed; what it left behind cannot be known.
    #[error("an earlier commit failed; the store must be opened again")]
    Poisoned,
    /// The stored form was made by a newer version.
    #[error("the store has schema {found}, newer than {known}")]
    Schema {
        /// The schema found.
        found: i64,
        /// The newest schema known.
        known: i64,
    },
    /// Stored data breaks a rule: which.
    #[error("the store is damaged: {0}")]
    Corrupt(&'static str),
    /// The system or the database library failed.
    #[error("the store failed: {0}")]
    Io(String),
}
