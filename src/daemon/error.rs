//! Why the daemon does not start, or stops.

use std::path::PathBuf;

use thiserror::Error;

use super::config::ConfigError;
use crate::engine::EngineError;
use crate::keys::KeyError;
use crate::secmem::{HardenError, RegionError};
use crate::store::StoreError;

/// Why the daemon does not serve.
#[derive(Debug, Error)]
pub enum DaemonError {
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
    /// A file or socket.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A house of an engine that was unsealed elsewhere cannot be opened again.
    #[error("there is no keyring to open")]
    NoSite,
    /// The daemon runs already.
    #[error("a tallyd runs on this directory")]
    Running,
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
