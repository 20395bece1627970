//! Computes and checks cryptograms without the engine's state, so that it can
//! run outside its lock and beside a commit.

use super::{FieldProof, IssueTask};
use crate::command::{Issued, Refusal, Verify};
use crate::cryptogram::native::{Covered, Deriver};
use crate::keys::Keyring;
use crate::types::{CryptogramHeader, KeyVersion};

/// A keyring made ready for a batch: the active derivation key is at hand.
pub struct Mint<'a> {
    pub(super) keyring: &'a Keyring,
    version: KeyVersion,
    active: Deriver<'a>,
}

/// What a cryptogram's bytes alone tell: computed before the engine decides,
/// from the request only, and so the same work for every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// Another format, or a void header.
    Format,
    /// The key version is unknown or destroyed.
    KeyVersion,
    /// The header, and whether the MAC is right for the request.
    Checked {
        /// The header.
        header: CryptogramHeader,
        /// Whether the MAC is right.
        authentic: bool,
    },
    /// What was found of a card.
    Field(FieldProof),
}

impl<'a> Mint<'a> {
    /// Readies a keyring.
    #[must_use]
    pub fn new(keyring: &'a Keyring) -> Self {
        let (version, key) = keyring.token_derivation.active();
        Self { keyring, version, active: Deriver::new(key) }
    }

    /// Computes the cryptogram of a counter that was taken.
    ///
    /// # Errors
    /// [`Refusal::KeyVersion`] if the key is gone by now.
    pub fn issue(&self, task: &IssueTask<'_>) -> Result<Issued, Refusal> {
        let covered = Covered { trid: task.trid, expiry: task.expiry, transaction: task.transaction };
        let make = |deriver: Deriver<'_>| {
            deriver.with_token_key(task.token, |key| key.cryptogram(&task.header, &covered))
        };
        let made = self.with_deriver(task.header.key_version, make).ok_or(Refusal::KeyVersion)?;
        let cryptogram = made.map_err(|_| Refusal::BindingMismatch)?;
        Ok(Issued { cryptogram, expiry: task.expiry })
    }

    /// Checks the MAC of a cryptogram over what the request says.
    #[must_use]
    pub fn prove(&self, verify: &Verify<'_>) -> Proof {
        let Ok(header) = verify.cryptogram.header() else { return Proof::Format };
        let covered = Covered { trid: verify.trid, expiry: verify.expiry, transaction: verify.transaction };
        let check = |deriver: Deriver<'_>| {
            deriver.with_token_key(verify.token, |key| key.matches(&verify.cryptogram, &header, &covered))
        };
        match self.with_deriver(header.key_version, check) {
            Some(authentic) => Proof::Checked { header, authentic },
            None => {
                // As much work as for a version that is known.
                let _ = std::hint::black_box(check(self.active));
                Proof::KeyVersion
            }
        }
    }

    fn with_deriver<T>(&self, version: KeyVersion, work: impl FnOnce(Deriver<'_>) -> T) -> Option<T> {
        if version == self.version {
            return Some(work(self.active));
        }
        let key = self.keyring.token_derivation.get(version)?;
        Some(work(Deriver::new(key)))
    }
}
