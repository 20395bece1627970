//! The anchor: what a place outside the database remembers of it, so that an
//! older copy put back is noticed.
//!
//! 96 bytes, big-endian: "tallyanc" (8), format 1 (1), version of the audit key
//! (1), version of the active token derivation key (1), zeros (5), epoch (8),
//! group number (8), that group's MAC (32), and `HMAC-SHA-256(AK,
//! "tallystick/v1/anchor" || the bytes before)` (32).

use subtle::ConstantTimeEq;
use thiserror::Error;

use super::load::Loader;
use crate::keys::Keyring;
use crate::store::{ChainHead, Epoch, GroupNumber, Store};
use crate::types::KeyVersion;

const MAGIC: &[u8; 8] = b"tallyanc";
const FORMAT: u8 = 1;
const LABEL: &[u8] = b"tallystick/v1/anchor";
const COVERED: usize = 64;

/// What an anchor holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The epoch that wrote it.
    pub epoch: Epoch,
    /// The newest group at that time.
    pub head: ChainHead,
    /// The token derivation key that was active.
    pub token_key: KeyVersion,
}

/// Why database, anchor and keyring do not belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Rollback {
    /// The database lacks what the anchor has seen.
    #[error("the database is older than its anchor, or another than it was")]
    Store,
    /// The anchor lacks what the database knows that it was told.
    #[error("the anchor is older than the database")]
    Anchor,
    /// There is no anchor to a database that had one.
    #[error("the anchor of the database is missing")]
    Missing,
    /// The keyring lacks a key that was in use.
    #[error("the keyring is older than the anchor")]
    Keyring,
}

/// The bytes are no anchor, or not one of this keyring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the anchor is damaged, or belongs to another keyring")]
pub struct AnchorError;

impl Anchor {
    /// Bytes of an anchor.
    pub const LEN: usize = COVERED + 32;

    /// The bytes to be kept, under the active audit key.
    #[must_use]
    pub fn to_bytes(&self, keyring: &Keyring) -> [u8; Self::LEN] {
        let (version, key) = keyring.audit.active();
        let mut bytes = [0; Self::LEN];
        let fields = MAGIC
            .iter()
            .copied()
            .chain([FORMAT, version.get(), self.token_key.get(), 0, 0, 0, 0, 0])
            .chain(self.epoch.0.to_be_bytes())
            .chain(self.head.number.0.to_be_bytes())
            .chain(self.head.mac);
        let (covered, mac) = bytes.split_at_mut(COVERED);
        covered.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
        mac.copy_from_slice(key.mac_state().mac(&[LABEL, covered]).as_bytes());
        bytes
    }

    /// Reads and checks [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// [`AnchorError`].
    pub fn from_bytes(keyring: &Keyring, bytes: &[u8; Self::LEN]) -> Result<Self, AnchorError> {
        let (covered, mac) = bytes.split_first_chunk::<COVERED>().ok_or(AnchorError)?;
        let [m0, m1, m2, m3, m4, m5, m6, m7, format, version, token_key, z0, z1, z2, z3, z4, rest @ ..] =
            *covered;
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, head @ ..] = rest;
        if [m0, m1, m2, m3, m4, m5, m6, m7] != *MAGIC || format != FORMAT || [z0, z1, z2, z3, z4] != [0; 5] {
            return Err(AnchorError);
        }
        let version = KeyVersion::new(version).map_err(|_| AnchorError)?;
        let key = keyring.audit.get(version).ok_or(AnchorError)?;
        let expected = key.mac_state().mac(&[LABEL, covered]);
        if !bool::from(expected.as_bytes().as_slice().ct_eq(mac)) {
            return Err(AnchorError);
        }
        Ok(Self {
            epoch: Epoch(u64::from_be_bytes([a, b, c, d, e, f, g, h])),
            head: ChainHead { number: GroupNumber(u64::from_be_bytes([i, j, k, l, m, n, o, p])), mac: head },
            token_key: KeyVersion::new(token_key).map_err(|_| AnchorError)?,
        })
    }
}

/// Compares what was loaded with what each anchor holds; none in place of an
/// anchor means that it holds nothing.
///
/// # Errors
/// [`Rollback`].
pub(super) fn check(
    anchors: &[Option<Anchor>],
    loader: &Loader,
    store: &dyn Store,
    keyring: &Keyring,
) -> Result<(), Rollback> {
    // A node that joins others has told no anchor yet, whatever they have stored.
    let is_first = loader.head == ChainHead::START || store.is_shared();
    let fresh = store.anchored() == Epoch(0) && is_first;
    for anchor in anchors {
        let Some(anchor) = anchor else {
            if fresh {
                continue;
            }
            return Err(Rollback::Missing);
        };
        // This opening drew an epoch of its own, so the anchor's must lie below.
        // Other nodes go on while this one is away, and keep no groups for its anchor.
        let is_passed = store.is_shared() && loader.is_past(anchor.head.number);
        if anchor.epoch >= store.epoch() || !(is_passed || loader.met(&anchor.head)) {
            return Err(Rollback::Store);
        }
        if anchor.epoch < store.anchored() || anchor.head.number < loader.standing.anchored {
            return Err(Rollback::Anchor);
        }
        if anchor.token_key > keyring.token_derivation.active().0 {
            return Err(Rollback::Keyring);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::samples::keyring;

    const ANCHOR: Anchor = Anchor {
        epoch: Epoch(0x0102_0304_0506_0708),
        head: ChainHead { number: GroupNumber(0x1112_1314_1516_1718), mac: [0x21; 32] },
        token_key: KeyVersion::FIRST,
    };

    /// The same bytes with another MAC that is right.
    fn signed(keyring: &Keyring, mut bytes: [u8; Anchor::LEN]) -> [u8; Anchor::LEN] {
        let (covered, mac) = bytes.split_at_mut(COVERED);
        mac.copy_from_slice(keyring.audit.active().1.mac_state().mac(&[LABEL, covered]).as_bytes());
        bytes
    }

    #[test]
    fn its_bytes_are_those_of_the_format_and_come_back() {
        let keyring = keyring();
        let bytes = ANCHOR.to_bytes(&keyring);
        assert_eq!(bytes.len(), 96);
        assert_eq!(&bytes[..16], b"tallyanc\x01\x01\x01\0\0\0\0\0");
        assert_eq!(&bytes[16..24], &[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(&bytes[24..32], &[0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18]);
        assert_eq!(&bytes[32..64], &[0x21; 32]);
        assert_eq!(bytes, signed(&keyring, bytes));
        assert_eq!(Anchor::from_bytes(&keyring, &bytes), Ok(ANCHOR));
    }

    #[test]
    fn no_flipped_bit_and_no_other_keyrings_anchor_is_taken() {
        let keyring = keyring();
        let bytes = ANCHOR.to_bytes(&keyring);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Anchor::from_bytes(&keyring, &flipped), Err(AnchorError), "bit {bit}");
        }
        assert_eq!(Anchor::from_bytes(&crate::engine::samples::keyring(), &bytes), Err(AnchorError));
    }

    #[test]
    fn a_right_mac_makes_no_anchor_of_other_bytes() {
        let keyring = keyring();
        let bytes = ANCHOR.to_bytes(&keyring);
        let taken = (0..16).filter(|at| {
            let mut other = bytes;
            other[*at] ^= 0x40;
            Anchor::from_bytes(&keyring, &signed(&keyring, other)).is_ok()
        });
        // The version of the token derivation key, which may be any.
        assert_eq!(taken.collect::<Vec<_>>(), [10]);
    }
}
