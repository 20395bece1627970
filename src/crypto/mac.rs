//! HMAC-SHA-256 (FIPS 198-1, RFC 2104), over the compression function of the
//! crate `sha2`.
//!
//! The crate `hmac` keeps its two keyed states wherever its value happens to be
//! moved. They are as good as the key, so here they are in locked memory
//! ([`MacState`]), or wiped where they stand ([`TransientMac`]), and a MAC
//! copies eight words of them.

use std::fmt;
use std::slice;

use sha2::block_api::compress256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, optimization_barrier};

use super::{LoadedKey, MacPurpose};
use crate::secmem::{MAC_STACK, Region, RegionError, Secret32, scrubbed};

const BLOCK: usize = 64;
/// The initial hash value (FIPS 180-4, section 5.3.3).
const START: Chaining =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
const INNER_PAD: u8 = 0x36;
const OUTER_PAD: u8 = 0x5c;

/// The chaining value of SHA-256.
type Chaining = [u32; 8];

/// A keyed HMAC-SHA-256 in locked memory: the two compressions that a key costs
/// are done. It lives as long as its key.
pub struct MacState {
    inner: Secret32,
    outer: Secret32,
}

/// A keyed HMAC-SHA-256 for a key that is gone in a moment, such as a token's.
/// It stands on the stack: wiped on drop, but use it inside
/// [`scrubbed`](crate::secmem::scrubbed).
pub struct TransientMac {
    inner: Chaining,
    outer: Chaining,
}

/// A MAC of 32 bytes. Compared in constant time, wiped on drop: it may serve as
/// a key.
#[derive(ZeroizeOnDrop)]
pub struct Mac([u8; 32]);

impl MacState {
    /// Keys the function with 32 bytes.
    ///
    /// # Errors
    /// [`RegionError::Full`] if two slots are not free.
    pub fn new(region: &Region, key: &[u8; 32]) -> Result<Self, RegionError> {
        let held = |pad| {
            Secret32::fill_with(region, |slot| {
                let mut keyed = START;
                take_in_key(&mut keyed, key, pad);
                let (places, _) = slot.as_chunks_mut::<4>();
                places.iter_mut().zip(&keyed).for_each(|(place, word)| *place = word.to_ne_bytes());
                keyed.zeroize();
                Ok::<_, RegionError>(())
            })
        };
        scrubbed::<MAC_STACK, _>(|| Ok(Self { inner: held(INNER_PAD)?, outer: held(OUTER_PAD)? }))
    }

    /// The MAC of the parts, one after the other.
    #[must_use]
    pub fn mac(&self, parts: &[&[u8]]) -> Mac {
        scrubbed::<MAC_STACK, _>(|| self.mac_unscrubbed(parts))
    }

    /// The same, for who wipes afterwards.
    pub(crate) fn mac_unscrubbed(&self, parts: &[&[u8]]) -> Mac {
        mac(words(&self.inner), parts, || words(&self.outer))
    }
}

fn words(held: &Secret32) -> Chaining {
    let (places, _) = held.expose().as_chunks::<4>();
    let mut words = [0; 8];
    words.iter_mut().zip(places).for_each(|(word, place)| *word = u32::from_ne_bytes(*place));
    words
}

impl TransientMac {
    /// Keys the function with 32 bytes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        let mut keyed = Self { inner: START, outer: START };
        take_in_key(&mut keyed.inner, key, INNER_PAD);
        take_in_key(&mut keyed.outer, key, OUTER_PAD);
        keyed
    }

    /// The MAC of the parts, one after the other.
    #[must_use]
    pub fn mac(&self, parts: &[&[u8]]) -> Mac {
        mac(self.inner, parts, || self.outer)
    }
}

impl Drop for TransientMac {
    fn drop(&mut self) {
        (self.inner, self.outer) = ([0; 8], [0; 8]);
        optimization_barrier(self);
    }
}

/// `H(K xor opad || H(K xor ipad || text))`, from the two chaining values.
fn mac(inner: Chaining, parts: &[&[u8]], outer: impl FnOnce() -> Chaining) -> Mac {
    let mut hash = Hash::from(inner);
    for part in parts {
        hash.update(part);
    }
    let digest = hash.finish();
    let mut hash = Hash::from(outer());
    hash.update(&digest.0);
    hash.finish()
}

/// Takes in the first block of either hash: the key, padded with zeros, under a
/// pad (RFC 2104, section 2).
fn take_in_key(chaining: &mut Chaining, key: &[u8; 32], pad: u8) {
    let mut block = [pad; BLOCK];
    block.iter_mut().zip(key).for_each(|(slot, byte)| *slot ^= byte);
    compress256(chaining, slice::from_ref(&block));
    wipe(&mut block);
}

/// SHA-256 from where one block has been taken in.
struct Hash {
    chaining: Chaining,
    block: [u8; BLOCK],
    /// Bytes in the block: fewer than it holds.
    filled: usize,
    /// Bytes taken in altogether.
    length: u64,
}

impl Hash {
    fn from(chaining: Chaining) -> Self {
        Self { chaining, block: [0; BLOCK], filled: 0, length: 64 }
    }

    fn update(&mut self, part: &[u8]) {
        self.length = self.length.wrapping_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
        let mut rest = part;
        if self.filled > 0 {
            let Some(room) = self.block.get_mut(self.filled..) else { return };
            let (now, later) = rest.split_at(room.len().min(rest.len()));
            room.get_mut(..now.len()).into_iter().for_each(|place| place.copy_from_slice(now));
            self.filled += now.len();
            if self.filled < BLOCK {
                return;
            }
            compress256(&mut self.chaining, slice::from_ref(&self.block));
            rest = later;
        }
        let (whole, tail) = rest.as_chunks::<BLOCK>();
        if !whole.is_empty() {
            compress256(&mut self.chaining, whole);
        }
        self.block.get_mut(..tail.len()).into_iter().for_each(|place| place.copy_from_slice(tail));
        self.filled = tail.len();
    }

    /// Pads (FIPS 180-4, section 5.1.1) and gives the digest.
    fn finish(mut self) -> Mac {
        let bits = self.length.wrapping_mul(8).to_be_bytes();
        let padding = self.block.get_mut(self.filled..).and_then(<[u8]>::split_first_mut);
        if let Some((first, rest)) = padding {
            *first = 0x80;
            rest.fill(0);
        }
        if self.filled >= BLOCK - bits.len() {
            compress256(&mut self.chaining, slice::from_ref(&self.block));
            self.block = [0; BLOCK];
        }
        self.block.last_chunk_mut().into_iter().for_each(|slot| *slot = bits);
        compress256(&mut self.chaining, slice::from_ref(&self.block));
        let mut mac = Mac([0; 32]);
        let (places, _) = mac.0.as_chunks_mut::<4>();
        places.iter_mut().zip(&self.chaining).for_each(|(place, word)| *place = word.to_be_bytes());
        mac
    }
}

impl Drop for Hash {
    /// The text may hold a PAN, and the digest may be a key.
    fn drop(&mut self) {
        self.chaining = [0; 8];
        wipe(&mut self.block);
    }
}

/// One fill, where volatile stores would go byte by byte.
fn wipe(block: &mut [u8; BLOCK]) {
    *block = [0; BLOCK];
    optimization_barrier(block);
}

impl Mac {
    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first bytes, for truncated MACs. `N` is at most 32.
    #[must_use]
    pub fn truncated<const N: usize>(&self) -> [u8; N] {
        const { assert!(N <= 32) };
        self.0.first_chunk().copied().unwrap_or([0; N])
    }
}

impl<P: MacPurpose> LoadedKey<P> {
    /// HMAC-SHA-256 keyed with this key.
    #[must_use]
    pub const fn mac_state(&self) -> &MacState {
        self.schedule()
    }
}

impl PartialEq for Mac {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Mac {}

impl fmt::Debug for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mac(redacted)")
    }
}

impl fmt::Debug for MacState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacState(redacted)")
    }
}

impl fmt::Debug for TransientMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TransientMac(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Against ring, an implementation of other authors.
        #[test]
        fn agrees_with_ring(key: [u8; 32], a in prop::collection::vec(any::<u8>(), 0..200), b: [u8; 7]) {
            let theirs = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
            let mut joined = a.clone();
            joined.extend_from_slice(&b);
            let expected = ring::hmac::sign(&theirs, &joined);
            let region = Region::new(2).unwrap();
            let held = MacState::new(&region, &key).unwrap();
            let passing = TransientMac::new(&key);
            for mac in [held.mac(&[&a, &b]), held.mac(&[&joined]), passing.mac(&[&a, &b])] {
                prop_assert_eq!(mac.as_bytes().as_slice(), expected.as_ref());
            }
        }
    }

    /// Where blocks and padding meet, cut in every place.
    #[test]
    fn every_length_and_every_cut() {
        let text: Vec<u8> = (0..200).collect();
        let theirs = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &[7; 32]);
        let ours = TransientMac::new(&[7; 32]);
        for length in 0..text.len() {
            let expected = ring::hmac::sign(&theirs, &text[..length]);
            for cut in 0..=length {
                let (one, two) = text[..length].split_at(cut);
                assert_eq!(ours.mac(&[one, two]).as_bytes(), expected.as_ref(), "{length} cut at {cut}");
            }
        }
    }
}
