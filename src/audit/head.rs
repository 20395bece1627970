//! The head: what a place outside the log remembers of its end.
//!
//! 96 bytes, big-endian: "tallyaud" (8), format 1 (1), version of the audit key
//! (1), zeros (6), number of the record (8), its link (32), zeros (8), and
//! `HMAC-SHA-256(AK, "tallystick/v1/audit-head" || the bytes before)` (32).

use subtle::ConstantTimeEq;
use thiserror::Error;

use super::{Keys, Tip};
use crate::types::KeyVersion;

const MAGIC: &[u8; 8] = b"tallyaud";
const FORMAT: u8 = 1;
const LABEL: &[u8] = b"tallystick/v1/audit-head";
const COVERED: usize = 64;

/// The newest record that a place remembers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head(pub Tip);

/// The bytes are no head, or not one of this keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the head of the audit log is damaged, or belongs to another keyring")]
pub struct HeadError;

impl Head {
    /// Bytes of a head.
    pub const LEN: usize = COVERED + 32;

    /// The bytes to be kept, under the active audit key.
    #[must_use]
    pub fn to_bytes(&self, keys: &dyn Keys) -> [u8; Self::LEN] {
        let (version, key) = keys.active();
        let fields = MAGIC
            .iter()
            .copied()
            .chain([FORMAT, version.get(), 0, 0, 0, 0, 0, 0])
            .chain(self.0.number.to_be_bytes())
            .chain(self.0.link);
        let mut bytes = [0; Self::LEN];
        let (covered, mac) = bytes.split_at_mut(COVERED);
        covered.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
        mac.copy_from_slice(key.mac_state().mac(&[LABEL, covered]).as_bytes());
        bytes
    }

    /// Reads and checks [`to_bytes`](Self::to_bytes). Without keys only its form is
    /// checked: whoever can write it can have made it.
    ///
    /// # Errors
    /// [`HeadError`].
    pub fn from_bytes(keys: Option<&dyn Keys>, bytes: &[u8; Self::LEN]) -> Result<Self, HeadError> {
        let (covered, mac) = bytes.split_first_chunk::<COVERED>().ok_or(HeadError)?;
        let [m0, m1, m2, m3, m4, m5, m6, m7, format, version, z0, z1, z2, z3, z4, z5, rest @ ..] = *covered;
        let [a, b, c, d, e, f, g, h, link @ ..] = rest;
        let (link, zeros) = link.split_first_chunk::<32>().ok_or(HeadError)?;
        let is_ours = [m0, m1, m2, m3, m4, m5, m6, m7] == *MAGIC && format == FORMAT;
        if !is_ours || [z0, z1, z2, z3, z4, z5] != [0; 6] || zeros != [0; 8] {
            return Err(HeadError);
        }
        if let Some(keys) = keys {
            let version = KeyVersion::new(version).map_err(|_| HeadError)?;
            let expected = keys.get(version).ok_or(HeadError)?.mac_state().mac(&[LABEL, covered]);
            if !bool::from(expected.as_bytes().as_slice().ct_eq(mac)) {
                return Err(HeadError);
            }
        }
        Ok(Self(Tip { number: u64::from_be_bytes([a, b, c, d, e, f, g, h]), link: *link }))
    }
}
