//! What the vault is told at its start.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Where things are.
#[derive(Debug, Clone)]
pub struct Config {
    /// The vault's directory: its database is there.
    pub dir: PathBuf,
    /// The engine's socket.
    pub engine: PathBuf,
    /// Where to listen. TLS is a proxy's business.
    pub listen: SocketAddr,
    /// Where it is reached from outside, for addresses in answers; none: where it
    /// listens.
    pub public: Option<String>,
    /// What operators see, where they may.
    pub operator: Option<Operator>,
    /// Whether there is a demo shop.
    pub shop: bool,
}

/// What the operators' page is made from, and what lets them in.
#[derive(Debug, Clone)]
pub struct Operator {
    /// The engine's admin socket.
    pub admin: PathBuf,
    /// Where the engine keeps the head of its audit log.
    pub audit_head: Option<PathBuf>,
    /// SHA-256 of their secret.
    pub secret: [u8; 32],
}

impl Config {
    /// The database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        Self::database_in(&self.dir)
    }

    /// The database of a vault's directory.
    #[must_use]
    pub fn database_in(dir: &Path) -> PathBuf {
        dir.join("vault.db")
    }
}
