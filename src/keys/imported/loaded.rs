//! An imported key that is in use.

use super::ImportedInfo;
use crate::crypto::LoadedCipher;

/// An imported key, expanded in locked memory.
#[derive(Debug)]
pub struct ImportedKey {
    pub(super) info: ImportedInfo,
    pub(super) cipher: LoadedCipher,
}

impl ImportedKey {
    /// What may be shown of it.
    #[must_use]
    pub const fn info(&self) -> &ImportedInfo {
        &self.info
    }

    /// The expanded key. Work with it inside [`scrubbed`](crate::secmem::scrubbed).
    #[must_use]
    pub const fn cipher(&self) -> &LoadedCipher {
        &self.cipher
    }
}
