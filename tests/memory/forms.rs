//! How a secret may lie in memory.
//!
//! Each form is cut into strings of eight bytes, so that a part that survived is
//! found too: spilled registers and halves that were overwritten.

mod aes;
mod card;
mod des;

pub use card::{card_forms, card_value_forms};

use sha2::block_api::compress256;

const SHA_256_START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A key of 32 bytes: itself, as HMAC keys with it, and as AES does.
pub fn key_forms(key: &[u8; 32]) -> Vec<Vec<u8>> {
    let mut forms = mac_key_forms(key);
    forms.extend(aes::gcm_forms(key));
    forms
}

/// A key of a block cipher, 16 to 32 bytes: itself, and what it is expanded to.
pub fn cipher_key_forms(key: &[u8], is_aes: bool) -> Vec<Vec<u8>> {
    if is_aes {
        return aes::block_forms(key);
    }
    let mut forms = strings(key);
    forms.extend(key.as_chunks().0.iter().flat_map(des::forms));
    forms
}

/// Bytes that are no key yet.
pub fn component_forms(component: &[u8]) -> Vec<Vec<u8>> {
    strings(component)
}

/// The key of a token, derived by the formula of `docs/FORMATS.md`.
pub fn token_key_forms(derivation: &[u8; 32], token: &str) -> Vec<Vec<u8>> {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, derivation);
    let text = [b"tallystick/v1/token-key", token.as_bytes(), &[1]].concat();
    let tag = ring::hmac::sign(&key, &text);
    mac_key_forms(tag.as_ref().try_into().unwrap())
}

/// The key, padded with either pad, the message schedules of both, and the two
/// chaining values.
fn mac_key_forms(key: &[u8; 32]) -> Vec<Vec<u8>> {
    let mut forms = strings(key);
    for pad in [0x36, 0x5c] {
        let mut block = [pad; 64];
        block.iter_mut().zip(key).for_each(|(slot, byte)| *slot ^= byte);
        forms.extend(strings(&block[..32]));
        let mut chaining = SHA_256_START;
        compress256(&mut chaining, &[block]);
        forms.extend(strings(&bytes_of(&chaining)));
        let schedule = message_schedule(&block);
        // From the sixteenth word on, the key is in all of it.
        forms.extend(strings(&bytes_of(&schedule[16..])));
    }
    forms
}

/// FIPS 180-4, section 6.2.2, step 1.
fn message_schedule(block: &[u8; 64]) -> [u32; 64] {
    let mut words = [0u32; 64];
    for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
        *word = u32::from_be_bytes(bytes.try_into().unwrap());
    }
    for t in 16..64 {
        let (a, b) = (words[t - 15], words[t - 2]);
        let small0 = a.rotate_right(7) ^ a.rotate_right(18) ^ (a >> 3);
        let small1 = b.rotate_right(17) ^ b.rotate_right(19) ^ (b >> 10);
        words[t] = small1.wrapping_add(words[t - 7]).wrapping_add(small0).wrapping_add(words[t - 16]);
    }
    words
}

/// In the byte order of the specification.
fn bytes_of(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// All pairs of neighbouring words: as they stand, with the bytes of each word
/// reversed, and either with the two words exchanged, as SHA instructions hold
/// them.
fn strings(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut strings = Vec::new();
    for pair in bytes.windows(8).step_by(4) {
        let (a, b) = pair.split_at(4);
        let reversed = |word: &[u8]| word.iter().rev().copied().collect::<Vec<u8>>();
        strings.push([a, b].concat());
        strings.push([b, a].concat());
        strings.push([reversed(a), reversed(b)].concat());
        strings.push([reversed(b), reversed(a)].concat());
    }
    strings
}

/// Any ten digits in a row of a PAN in ASCII or one to a byte; all of it packed
/// two to a byte from either end, and as an integer.
pub fn pan_forms(pan: &str) -> Vec<Vec<u8>> {
    let ascii = pan.as_bytes();
    let plain: Vec<u8> = ascii.iter().map(|digit| digit - b'0').collect();
    let mut forms: Vec<Vec<u8>> = Vec::new();
    for digits in [ascii, &plain] {
        forms.extend(digits.windows(10).map(<[u8]>::to_vec));
    }
    let pack =
        |digits: &[u8]| digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).unwrap_or(&0xf)).collect();
    let mut from_right = plain.clone();
    if plain.len() % 2 == 1 {
        from_right.insert(0, 0);
    }
    let packed: [Vec<u8>; 2] = [pack(&plain), pack(&from_right)];
    forms.extend(packed.into_iter().filter(|packed| packed.len() >= 8));
    let integer: u64 = pan.parse().unwrap();
    forms.extend([integer.to_le_bytes().to_vec(), integer.to_be_bytes().to_vec()]);
    forms
}

/// Any twelve bytes of it.
pub fn passphrase_forms(passphrase: &str) -> Vec<Vec<u8>> {
    passphrase.as_bytes().windows(12).map(<[u8]>::to_vec).collect()
}

/// What is searched for is what the crates `des` and `aes` keep, if AES is done by
/// instructions.
#[test]
fn schedules_are_as_they_lie_in_memory() {
    use crate::image::Memory;
    use tallystick::crypto::{Aes, Tdes};
    let memory = Memory::of(std::process::id());
    let key: Vec<u8> = (0..32).map(|at| 0x91 ^ (7 * at)).collect();
    let found = |forms: Vec<Vec<u8>>, address: usize, length: usize| {
        let piece = memory.at(address as u64, length as u64);
        piece.bytes.chunks_exact(8).filter(|word| forms.iter().any(|form| form == word)).count()
    };
    for length in [16, 24] {
        let cipher = Box::new(Tdes::new(&key[..length]).unwrap());
        let at = std::ptr::from_ref(&*cipher).addr();
        let words = found(cipher_key_forms(&key[..length], false), at, size_of::<Tdes>());
        assert_eq!(words, 16 * length / 8, "TDES");
    }
    if !::aes::hardware_accelerated() {
        return eprintln!("\n*** NOT TESTED: how AES keys lie in memory. No instructions for AES. ***\n");
    }
    for (length, round_keys) in [(16, 11), (24, 13), (32, 15)] {
        let cipher = Box::new(Aes::new(&key[..length]).unwrap());
        let at = std::ptr::from_ref(&*cipher).addr();
        let words = found(cipher_key_forms(&key[..length], true), at, size_of::<Aes>());
        assert!(words >= 2 * 2 * round_keys, "AES with {length} bytes: {words}");
    }
}
