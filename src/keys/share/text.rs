//! The text of a share: 40 bytes and a checksum of 5, as 72 characters of
//! Crockford's base 32 in groups of four.
//!
//! The alphabet has no I, L, O or U; on reading, case does not matter, I and L are
//! 1, O is 0, and blanks and hyphens are skipped. The checksum is the first 5
//! bytes of `HMAC-SHA-256(zeros, "tallystick/v1/share-text" || content)`: a
//! mistake passes once in 2^40. Characters are found by comparing with all, since
//! an index into a table would depend on the secret.

use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

use super::ShareError;
use crate::crypto::TransientMac;

/// The format of the content's first byte.
pub(super) const FORMAT: u8 = 1;
/// Bytes of content.
pub(super) const CONTENT: usize = 40;
const CHECKSUM: usize = 5;
const SYMBOLS: usize = (CONTENT + CHECKSUM) * 8 / 5;
const GROUP: usize = 4;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

type Content = Zeroizing<[u8; CONTENT]>;

/// Writes content as text.
pub(super) fn encode(content: &[u8; CONTENT]) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; CONTENT + CHECKSUM]);
    for (slot, byte) in bytes.iter_mut().zip(content.iter().chain(&checksum(content))) {
        *slot = *byte;
    }
    // Room for all, since growing would leave a copy behind.
    let mut text = Zeroizing::new(String::with_capacity(SYMBOLS + SYMBOLS / GROUP));
    for (at, bits) in bytes.chunks_exact(5).flat_map(fives).enumerate() {
        if at > 0 && at % GROUP == 0 {
            text.push('-');
        }
        text.push(char::from(symbol(bits)));
    }
    text
}

/// Reads text.
///
/// # Errors
/// [`ShareError::Text`].
pub(super) fn decode(text: &str) -> Result<Content, ShareError> {
    let mut bits = Zeroizing::new([0u8; SYMBOLS]);
    let mut count = 0;
    for byte in text.bytes().filter(|byte| !matches!(byte, b' ' | b'-')) {
        *bits.get_mut(count).ok_or(ShareError::Text)? = value(byte)?;
        count += 1;
    }
    if count != SYMBOLS {
        return Err(ShareError::Text);
    }
    let mut bytes = Zeroizing::new([0u8; CONTENT + CHECKSUM]);
    for (bytes, bits) in bytes.chunks_exact_mut(5).zip(bits.chunks_exact(8)) {
        let joined = bits.iter().fold(0u64, |joined, bits| joined << 5 | u64::from(*bits));
        let [_, _, _, joined @ ..] = joined.to_be_bytes();
        bytes.copy_from_slice(&joined);
    }
    let (content, told) = bytes.split_first_chunk::<CONTENT>().ok_or(ShareError::Text)?;
    let fits: bool = checksum(content).as_slice().ct_eq(told).into();
    if fits { Ok(Zeroizing::new(*content)) } else { Err(ShareError::Text) }
}

/// Five bytes as eight times five bits.
fn fives(bytes: &[u8]) -> impl Iterator<Item = u8> {
    let joined = bytes.iter().fold(0u64, |joined, byte| joined << 8 | u64::from(*byte));
    (0..8).rev().map(move |at| u8::try_from(joined >> (5 * at) & 31).unwrap_or(0))
}

fn symbol(bits: u8) -> u8 {
    let mut symbol = 0;
    for (value, known) in (0u8..).zip(ALPHABET) {
        symbol.conditional_assign(known, value.ct_eq(&bits));
    }
    symbol
}

fn value(byte: u8) -> Result<u8, ShareError> {
    let (mut upper, mut found) = (byte.to_ascii_uppercase(), 0xff);
    for (alike, meant) in [(b'I', b'1'), (b'L', b'1'), (b'O', b'0')] {
        upper.conditional_assign(&meant, upper.ct_eq(&alike));
    }
    for (value, known) in (0u8..).zip(ALPHABET) {
        found.conditional_assign(&value, known.ct_eq(&upper));
    }
    if found == 0xff { Err(ShareError::Text) } else { Ok(found) }
}

fn checksum(content: &[u8; CONTENT]) -> [u8; CHECKSUM] {
    TransientMac::new(&[0; 32]).mac(&[&b"tallystick/v1/share-text"[..], content]).truncated()
}
