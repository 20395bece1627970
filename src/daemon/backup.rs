//! Backups: what a daemon hands out of its store while it serves, and the file that it
//! is kept in, encrypted.
//!
//! The daemon has no key of backups: it hands rows to the admin socket, in which PANs
//! are sealed as in the store. The command line seals them once more, all of them, and
//! nothing else ever lies on a disk.

mod file;
mod service;

pub use file::{About, BackupError, Item, Reader, Writer};
pub(in crate::daemon) use service::Pieces;
pub use service::{Backups, start};
