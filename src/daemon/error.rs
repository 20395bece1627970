//! Why the daemon does not start, or stops.

use std::path::PathBuf;

use thiserror::Error;

use super::config::ConfigError;
use crate::audit::AuditError;
use crate::engine::EngineError;
use crate::keys::{ImportError, KeyError};
use crate::secmem::{HardenError, RegionError};
use crate::store::StoreError;

/// Why the daemon does not serve.
#[derive(Debug, Error)]
pub enum DaemonError {
    /// The daemon cannot be confined.
    #[error(transparent)]
    Sandbox(#[from] super::sandbox::SandboxError),
    /// The process could not be hardened.
    #[error(transparent)]
    Harden(#[from] HardenError),
    /// There is no locked memory for the keys.
    #[error(transparent)]
    Memory(#[from] RegionError),
    /// The self-test failed, or what is stored cannot be trusted.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The keyring cannot be opened.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The keyring refused to change an imported key.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The store cannot be opened, or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An anchor cannot be read or written, or is none of this keyring.
    #[error("the {name}: {reason}")]
    Anchor {
        /// Which.
        name: &'static str,
        /// Why.
        reason: String,
    },
    /// A peer is to be told by its executable, and the kernel cannot.
    #[error("`executable_sha256` needs a kernel that pins peers (SO_PEERPIDFD, Linux 6.5)")]
    Unpinned,
    /// A service manager passed something else than the two sockets.
    #[error("what was passed is no tallyd.sock and no admin.sock, or one of them twice")]
    Passed,
    /// The audit log cannot be gone on with.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// What remembers the head of the audit log cannot be read or written, or
    /// remembers none of this keyring.
    #[error("the head of the audit log: {0}")]
    AuditHead(String),
    /// A file or socket.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The keys are no longer in memory.
    #[error("the keys are not in memory")]
    Sealed,
    /// The keyring could not be written; the one before is still in use.
    #[error("the keyring cannot be written: {0}")]
    NotWritten(String),
    /// The daemon is on its way out.
    #[error("the daemon is stopping")]
    Stopping,
    /// The audit log did not end in time; its thread is left to itself.
    #[error("the audit log hangs")]
    AuditHangs,
    /// A house of an engine that was unsealed elsewhere cannot be opened again.
    #[error("there is no keyring to open")]
    NoSite,
    /// The daemon runs already.
    #[error("a tallyd runs on this directory")]
    Running,
    /// It still ran when nobody waited for it any more.
    #[error("the tallyd that runs on this directory has not ended within {} s", .0.as_secs())]
    StillRunning(std::time::Duration),
    /// The system gave no thread or signal handler.
    #[error("the system refused: {0}")]
    System(std::io::Error),
}

impl DaemonError {
    /// An error at a path.
    pub(super) fn at(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}
