//! The start-up self-test of the primitives: known answers, and each again with
//! a bit flipped, so that a comparison that always agrees is found out too.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf;
use thiserror::Error;

use super::TransientMac;

/// A known answer did not come out. The engine must not serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the self-test of {0} failed")]
pub struct SelfTestError(pub &'static str);

/// Runs the known answers of every primitive.
///
/// # Errors
/// [`SelfTestError`] names the first primitive that failed.
pub fn self_test() -> Result<(), SelfTestError> {
    check("HMAC-SHA-256", hmac_known_answer())?;
    check("HKDF-Expand", hkdf_agrees())?;
    check("AES-256-GCM", gcm_known_answer())
}

fn check(name: &'static str, passed: bool) -> Result<(), SelfTestError> {
    if passed { Ok(()) } else { Err(SelfTestError(name)) }
}

/// HMAC-SHA-256 of "what do ya want for nothing?" under a key of 32 times 0x0b.
/// Computed with Python's `hmac`; RFC 4231 has no key of 32 bytes.
const HMAC_ANSWER: [u8; 32] = [
    0xc3, 0xf2, 0x64, 0x9c, 0x34, 0xea, 0x24, 0xe4, 0xd6, 0x2a, 0x2c, 0x7e, 0x86, 0x8b, 0xbe, 0xa0, 0x23,
    0x3c, 0x9d, 0x4c, 0x2c, 0xc3, 0x00, 0x79, 0x4d, 0xb7, 0x6a, 0xa1, 0x8d, 0x68, 0x22, 0xd8,
];

fn hmac_known_answer() -> bool {
    let state = TransientMac::new(&[0x0b; 32]);
    let mac = state.mac(&[b"what do ya want ", b"for nothing?"]);
    let flipped = state.mac(&[b"what do ya want ", b"for nothing>"]);
    mac.as_bytes() == &HMAC_ANSWER && flipped != mac
}

/// One block of HKDF-Expand (RFC 5869 section 2.3) is what a token key is; ring
/// has its own.
fn hkdf_agrees() -> bool {
    let key = [0x5a; 32];
    let ours = TransientMac::new(&key).mac(&[b"info", &[1]]);
    let mut theirs = [0; 32];
    let expanded = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, &key)
        .expand(&[b"info"], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut theirs));
    expanded.is_ok() && ours.as_bytes() == &theirs
}

/// Test case 14 of McGrew and Viega, "The Galois/Counter Mode of Operation":
/// sixteen zero bytes under a zero key and a zero nonce.
const GCM_ANSWER: [u8; 32] = [
    0xce, 0xa7, 0x40, 0x3d, 0x4d, 0x60, 0x6b, 0x6e, 0x07, 0x4e, 0xc5, 0xd3, 0xba, 0xf3, 0x9d, 0x18, 0xd0,
    0xd1, 0xc8, 0xa7, 0x99, 0x99, 0x6b, 0xf0, 0x26, 0x5b, 0x98, 0xb5, 0xd4, 0x8a, 0xb9, 0x19,
];

fn gcm_known_answer() -> bool {
    let Ok(key) = UnboundKey::new(&AES_256_GCM, &[0; 32]) else { return false };
    let key = LessSafeKey::new(key);
    let nonce = || Nonce::assume_unique_for_key([0; 12]);
    let mut text = vec![0; 16];
    if key.seal_in_place_append_tag(nonce(), Aad::empty(), &mut text).is_err() || text != GCM_ANSWER {
        return false;
    }
    let mut flipped = text.clone();
    if let Some(first) = flipped.first_mut() {
        *first ^= 1;
    }
    key.open_in_place(nonce(), Aad::empty(), &mut flipped).is_err()
        && key.open_in_place(nonce(), Aad::empty(), &mut text).is_ok_and(|text| text == [0; 16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_here() {
        assert_eq!(self_test(), Ok(()));
    }

    #[test]
    fn a_failed_answer_is_named() {
        assert_eq!(check("AES", false), Err(SelfTestError("AES")));
    }
}
