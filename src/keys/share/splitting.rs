//! One splitting of a wrapping key, as the keyring's header knows it.

use subtle::ConstantTimeEq;

use super::{MAX_SHARES, Share, ShareError, TAG, are_possible};
use crate::crypto::{CryptoError, LoadedKey, Random, Root, TransientMac};
use crate::keys::shamir;
use crate::secmem::{MAC_STACK, Region, scrubbed};

/// Bytes of a commitment.
const COMMITMENT: usize = 32;

/// How many shares there are and are needed, and a commitment to each, so that a
/// wrong one is told before all are there.
///
/// The commitment of a share is `HMAC-SHA-256(value, "tallystick/v1/share" || id
/// (16) || needed (1) || made (1) || number (1))`. The value is 256 uniform bits,
/// so nobody finds it from that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Splitting {
    id: [u8; 16],
    threshold: u8,
    commitments: Vec<[u8; COMMITMENT]>,
}

impl Splitting {
    /// Splits a wrapping key into `count` shares of which `threshold` are needed.
    ///
    /// # Errors
    /// [`ShareError::Numbers`]; [`ShareError::Crypto`].
    pub(in crate::keys) fn of(
        region: &Region,
        random: &dyn Random,
        key: &LoadedKey<Root>,
        threshold: u8,
        count: u8,
    ) -> Result<(Self, Vec<Share>), ShareError> {
        if !are_possible(threshold, count) {
            return Err(ShareError::Numbers);
        }
        let mut id = [0; 16];
        random.fill(&mut id).map_err(CryptoError::from)?;
        let tag = id.first_chunk::<TAG>().copied().unwrap_or_default();
        let values = shamir::split(region, random, key, threshold, count)?;
        let share = |(number, value)| Share { tag, threshold, count, number, value };
        let shares: Vec<Share> = (1..=count).zip(values).map(share).collect();
        let mut splitting = Self { id, threshold, commitments: Vec::new() };
        splitting.commitments = shares.iter().map(|share| splitting.commitment(share)).collect();
        Ok((splitting, shares))
    }

    /// How many shares are needed.
    #[must_use]
    pub const fn threshold(&self) -> u8 {
        self.threshold
    }

    /// How many shares there are.
    #[must_use]
    pub fn count(&self) -> u8 {
        u8::try_from(self.commitments.len()).unwrap_or(MAX_SHARES)
    }

    /// The beginning of its id, in hex; each of its shares has the same.
    #[must_use]
    pub fn name(&self) -> String {
        data_encoding::HEXLOWER.encode(self.tag())
    }

    /// Checks that a share is one of these and was not changed.
    ///
    /// # Errors
    /// [`ShareError::AnotherSplitting`] or [`ShareError::Wrong`].
    pub fn check(&self, share: &Share) -> Result<(), ShareError> {
        let same = (share.tag.as_slice(), share.threshold, share.count)
            == (self.tag(), self.threshold, self.count());
        let made = self.commitments.get(usize::from(share.number).wrapping_sub(1));
        let (true, Some(made)) = (same, made) else {
            return Err(ShareError::AnotherSplitting(share.number));
        };
        let is_made: bool = scrubbed::<MAC_STACK, _>(|| self.commitment(share).ct_eq(made).into());
        if is_made { Ok(()) } else { Err(ShareError::Wrong(share.number)) }
    }

    fn tag(&self) -> &[u8] {
        self.id.get(..TAG).unwrap_or_default()
    }

    fn commitment(&self, share: &Share) -> [u8; COMMITMENT] {
        let counts = [share.threshold, share.count, share.number];
        let mac =
            TransientMac::new(share.value.expose()).mac(&[&b"tallystick/v1/share"[..], &self.id, &counts]);
        *mac.as_bytes()
    }

    /// The 28 bytes of a header's parameters, and what stands behind the header.
    pub(in crate::keys) fn parts(&self) -> ([u8; 28], Vec<u8>) {
        let mut fixed = [0; 28];
        let bytes = [self.threshold, self.count()].into_iter().chain([0; 10]).chain(self.id);
        for (slot, byte) in fixed.iter_mut().zip(bytes) {
            *slot = byte;
        }
        (fixed, self.commitments.concat())
    }

    /// Reads a header's parameters and what stands behind it; gives the rest back.
    pub(in crate::keys) fn read<'b>(fixed: &[u8; 28], rest: &'b [u8]) -> Option<(Self, &'b [u8])> {
        let [threshold, count, zeros @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = fixed;
        if !are_possible(*threshold, *count) || *zeros != [0; 10] {
            return None;
        }
        let id = *fixed.last_chunk::<16>()?;
        let (commitments, rest) = rest.split_at_checked(usize::from(*count) * COMMITMENT)?;
        let commitments = commitments.chunks_exact(COMMITMENT).filter_map(|one| one.try_into().ok());
        Some((Self { id, threshold: *threshold, commitments: commitments.collect() }, rest))
    }
}
