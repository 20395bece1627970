//! Keys of other systems, kept in the keyring beside the native ones.
//!
//! A [`WrappedImport`] may be stored and cannot be used; an [`ImportedKey`] is expanded
//! in locked memory and can be used. A key for key transport is never expanded: it is
//! unwrapped for the moment in which a block is read or written.

mod block;
mod components;
mod error;
mod info;
mod loaded;
mod rules;

pub(super) use block::Opened;
pub use block::WrappedImport;
pub use components::Components;
pub use error::ImportError;
pub use info::ImportedInfo;
pub use loaded::ImportedKey;
pub(super) use rules::{Rules, check_export, is_weak, key_algorithm, may_protect, purpose_of};

/// Most imported keys of a keyring that are not destroyed.
pub const MAX_IMPORTED: usize = 64;
/// Most imported keys of a keyring, destroyed ones too.
pub const MAX_LISTED: usize = 1024;
/// Most characters of optional blocks that are kept with a key.
pub const MAX_OPTIONAL: usize = 1024;
