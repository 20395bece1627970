//! The names of what stands in a state directory.

use std::path::{Path, PathBuf};

/// The sealed keyring.
#[must_use]
pub fn keyring(dir: &Path) -> PathBuf {
    dir.join("keyring")
}

/// The configuration.
#[must_use]
pub fn config(dir: &Path) -> PathBuf {
    dir.join("tallyd.toml")
}

/// The store.
#[must_use]
pub fn store(dir: &Path) -> PathBuf {
    dir.join("tally.db")
}

/// The anchor, unless the configuration puts it elsewhere.
#[must_use]
pub fn anchor(dir: &Path) -> PathBuf {
    dir.join("anchor")
}

/// The directory of the audit log, unless the configuration puts it elsewhere.
#[must_use]
pub fn audit(dir: &Path) -> PathBuf {
    dir.join("audit")
}

/// The head of the audit log, unless the configuration puts it elsewhere.
#[must_use]
pub fn audit_head(dir: &Path) -> PathBuf {
    dir.join("audit-head")
}

/// What the running daemon locks, sealed or not: the file is this with `-lock`
/// behind its name.
#[must_use]
pub fn daemon(dir: &Path) -> PathBuf {
    dir.join("tallyd")
}

/// How the daemon ended last.
#[must_use]
pub fn last_end(dir: &Path) -> PathBuf {
    dir.join("last-end")
}

/// The data socket.
#[must_use]
pub fn data_socket(dir: &Path) -> PathBuf {
    dir.join("tallyd.sock")
}

/// The admin socket.
#[must_use]
pub fn admin_socket(dir: &Path) -> PathBuf {
    dir.join("admin.sock")
}
