//! HMAC-SHA-256 (FIPS 198-1, RFC 2104).

use std::fmt;

use hmac::{Hmac, KeyInit, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{LoadedKey, MacPurpose};

/// A keyed HMAC-SHA-256: the two compressions that a key costs are done, so
/// that a batch pays for them once. Wiped on drop.
pub struct MacState(Hmac<Sha256>);

/// A MAC of 32 bytes. Compared in constant time, wiped on drop: it may serve as
/// a key.
#[derive(ZeroizeOnDrop)]
pub struct Mac([u8; 32]);

impl MacState {
    /// Keys the function with 32 bytes.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        // A block-sized buffer cannot be refused; a key of 32 bytes is padded as RFC 2104 says.
        let mut block = [0u8; 64];
        if let Some(head) = block.first_chunk_mut::<32>() {
            head.copy_from_slice(key);
        }
        let state = Self(Hmac::new((&block).into()));
        block.zeroize();
        state
    }

    /// The MAC of the parts, one after the other.
    #[must_use]
    pub fn mac(&self, parts: &[&[u8]]) -> Mac {
        let mut state = self.0.clone();
        for part in parts {
            state.update(part);
        }
        let mut output = state.finalize().into_bytes();
        let mut mac = Mac([0; 32]);
        mac.0.copy_from_slice(&output);
        output.as_mut_slice().zeroize();
        mac
    }
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
    /// Keys HMAC-SHA-256 with this key.
    #[must_use]
    pub fn mac_state(&self) -> MacState {
        MacState::new(self.expose())
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
            let ours = MacState::new(&key).mac(&[&a, &b]);
            prop_assert_eq!(ours.as_bytes().as_slice(), expected.as_ref());
        }
    }
}
