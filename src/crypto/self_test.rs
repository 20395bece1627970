//! The start-up self-test of the primitives: known answers, and each again with
//! a bit flipped, so that a comparison that always agrees is found out too.

use std::array;

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf;
use thiserror::Error;

use super::{Aes, BlockCipher as _, DesPair, Padding, Tdes, TransientMac};

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
    check("AES-256-GCM", gcm_known_answer())?;
    check("TDES", tdes_known_answer() == Some(true))?;
    check("TDES MACs", tdes_macs() == Some(true))?;
    check("AES", aes_known_answer() == Some(true))?;
    check("AES-CMAC", aes_cmac() == Some(true))
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

/// NIST SP 800-67 revision 2, appendix B.1.
fn tdes_known_answer() -> Option<bool> {
    let mut key =
        *b"\x01\x23\x45\x67\x89\xab\xcd\xef\x23\x45\x67\x89\xab\xcd\xef\x01\x45\x67\x89\xab\xcd\xef\x01\x23";
    let sealed = |key: &[u8]| {
        let mut block = *b"The qufc";
        let cipher = Tdes::new(key).ok()?;
        cipher.encrypt(&mut block);
        let answer = block;
        cipher.decrypt(&mut block);
        (&block == b"The qufc").then_some(answer)
    };
    let answer = sealed(&key)?;
    // Not the last bit: it is parity.
    let [.., last] = &mut key;
    *last ^= 2;
    Some(answer == *b"\xa8\x26\xfd\x8c\xe5\x3b\x85\x5f" && sealed(&key)? != answer)
}

/// CMAC of NIST SP 800-38B, appendix D.4, and the retail MAC of no text by `pyemv`.
fn tdes_macs() -> Option<bool> {
    let key =
        b"\x8a\xa8\x3b\xf8\xcb\xda\x10\x62\x0b\xc1\xbf\x19\xfb\xb6\xcd\x58\xbc\x31\x3d\x4a\x37\x1c\xa8\xb5";
    let cmac = |text: &[u8]| Tdes::new(key).map(|cipher| cipher.cmac(&[text]));
    let answer = Ok(*b"\xb7\xa6\x88\xe1\x22\xff\xaf\x95");
    let pair = DesPair::new(b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10");
    let retail = |text: &[u8]| pair.retail_mac(&[text], Padding::Method2);
    let known = *b"\xf1\xfb\xcf\x2a\x56\xd1\x9b\xa7";
    Some(cmac(&[]) == answer && cmac(&[1]) != answer && retail(&[]) == known && retail(&[1]) != known)
}

/// FIPS 197, appendix C.1 to C.3.
fn aes_known_answer() -> Option<bool> {
    let key: [u8; 32] = array::from_fn(|index| u8::try_from(index).unwrap_or(0));
    let sealed = |length: usize, flip: u8| {
        let text: [u8; 16] = *b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";
        let mut block = text.map(|byte| byte ^ flip);
        let cipher = Aes::new(key.get(..length)?).ok()?;
        cipher.encrypt(&mut block);
        let answer = block;
        cipher.decrypt(&mut block);
        (block == text.map(|byte| byte ^ flip)).then_some(answer)
    };
    let answers = [
        (16, *b"\x69\xc4\xe0\xd8\x6a\x7b\x04\x30\xd8\xcd\xb7\x80\x70\xb4\xc5\x5a"),
        (24, *b"\xdd\xa9\x7c\xa4\x86\x4c\xdf\xe0\x6e\xaf\x70\xa0\xec\x0d\x71\x91"),
        (32, *b"\x8e\xa2\xb7\xca\x51\x67\x45\xbf\xea\xfc\x49\x90\x4b\x49\x60\x89"),
    ];
    let right = |(length, answer)| sealed(length, 0) == Some(answer) && sealed(length, 1) != Some(answer);
    Some(answers.into_iter().all(right))
}

/// NIST SP 800-38B, appendix D.1: no text.
fn aes_cmac() -> Option<bool> {
    let key = b"\x2b\x7e\x15\x16\x28\xae\xd2\xa6\xab\xf7\x15\x88\x09\xcf\x4f\x3c";
    let cipher = Aes::new(key).ok()?;
    let answer = *b"\xbb\x1d\x69\x29\xe9\x59\x37\x28\x7f\xa3\x7d\x12\x9b\x75\x67\x46";
    Some(cipher.cmac(&[]) == answer && cipher.cmac(&[b"\0"]) != answer)
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
