//! Why a log cannot be opened or written.

use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a log cannot be opened or written.
#[derive(Debug, Error)]
pub enum AuditError {
    /// A file or directory.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// There is no log, and its head remembers one.
    #[error("the audit log is missing: its head remembers record {0}")]
    Missing(u64),
    /// There is neither log nor head, and a database that one must have been kept of.
    #[error(
        "the audit log is missing, and its head too, though the database holds group {0}: `tally audit accept` \
         begins another, on the record"
    )]
    Removed(u64),
    /// There is a log, and no head that remembers it.
    #[error("the audit log has no head: it was removed, or the log is another's")]
    Headless,
    /// The log ends before the record that its head remembers.
    #[error("the audit log is cut off after record {last}: its head remembers record {head}")]
    CutOff {
        /// The last record found.
        last: u64,
        /// The record remembered.
        head: u64,
    },
    /// A record is not what it was.
    #[error("record {0} of the audit log was changed or removed, or is under a key that is not here")]
    Changed(u64),
    /// All numbers are used.
    #[error("the numbers of audit records are used up")]
    Exhausted,
}

impl AuditError {
    /// An error at a path.
    pub(super) fn at(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}
