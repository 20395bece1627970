//! The factors of an RSA modulus in memory, without knowing them: whatever divides it.

use std::collections::BTreeMap;

use crate::search::Piece;

/// Bytes of a factor of a modulus of 2,048 bits, and its words.
const BYTES: usize = 128;
const PAGE: usize = 4096;
const WORDS: usize = BYTES / 8;

/// The modulus of a `SubjectPublicKeyInfo` of 2,048 bits.
pub fn modulus(public_key: &[u8]) -> Vec<u8> {
    assert_eq!(public_key.len(), 294);
    public_key[33..289].to_vec()
}

/// Which of these moduli have a factor somewhere, and where: in words as big numbers are
/// computed with, or as DER has it.
pub fn find(moduli: &[Vec<u8>], pieces: &[Piece]) -> BTreeMap<usize, u64> {
    let moduli: Vec<Vec<u64>> = moduli.iter().map(|bytes| words(bytes)).collect();
    let mut found = BTreeMap::new();
    for Piece { start, bytes } in pieces {
        // Most of a core is pages of zeros.
        let pages = (0..bytes.len()).step_by(PAGE);
        let places = pages.filter(|at| !bytes[*at..].starts_with(&[0; PAGE])).flat_map(|at| at..at + PAGE);
        for at in places.take_while(|at| at + BYTES <= bytes.len()) {
            let (first, last) = (bytes[at], bytes[at + BYTES - 1]);
            let turned = first & 0x80 != 0 && last & 1 != 0;
            let plain = at % 8 == 0 && last & 0x80 != 0 && first & 1 != 0;
            if !(turned || plain) || !looks_random(&bytes[at..at + BYTES]) {
                continue;
            }
            let mut window = bytes[at..at + BYTES].to_vec();
            for is_it in [turned, plain] {
                let factor = words(&window);
                let divided = (0..moduli.len()).filter(|index| is_it && divides(&factor, &moduli[*index]));
                found.extend(divided.map(|index| (index, start + at as u64)));
                window.reverse();
            }
        }
    }
    found
}

/// A factor that stands in a private key's DER.
pub fn factor_in(der: &[u8], modulus: &[u8]) -> Vec<u8> {
    let piece = [Piece { start: 0, bytes: der.to_vec() }];
    let at = find(&[modulus.to_vec()], &piece)[&0] as usize;
    der[at..at + BYTES].to_vec()
}

/// Zeros, text and addresses do not.
fn looks_random(window: &[u8]) -> bool {
    let mut seen = [false; 256];
    window.iter().for_each(|byte| seen[usize::from(*byte)] = true);
    seen.iter().filter(|seen| **seen).count() > 72
}

/// Words of a big-endian number, the lowest first.
fn words(bytes: &[u8]) -> Vec<u64> {
    bytes.rchunks(8).map(|word| u64::from_be_bytes(word.try_into().unwrap())).collect()
}

/// Long division (Knuth, volume 2, algorithm D) by a number whose highest bit is set.
fn divides(by: &[u64], number: &[u64]) -> bool {
    let mut rest = [0u64; WORDS + 1];
    for word in number.iter().rev() {
        rest.copy_within(0..WORDS, 1);
        rest[0] = *word;
        let head = u128::from(rest[WORDS]) << 64 | u128::from(rest[WORDS - 1]);
        let mut guess = (head / u128::from(by[WORDS - 1])).min(u128::from(u64::MAX)) as u64;
        while !subtract(&mut rest, by, guess) {
            guess -= 1;
        }
    }
    rest.iter().all(|word| *word == 0)
}

/// Subtracts so many times, if that leaves no less than nothing.
fn subtract(rest: &mut [u64; WORDS + 1], by: &[u64], times: u64) -> bool {
    let (before, mut carry, mut borrow) = (*rest, 0u128, false);
    for (at, word) in rest.iter_mut().enumerate() {
        let product = u128::from(by.get(at).copied().unwrap_or(0)) * u128::from(times) + carry;
        carry = product >> 64;
        let (less, first) = word.overflowing_sub(product as u64);
        let (less, second) = less.overflowing_sub(u64::from(borrow));
        (*word, borrow) = (less, first || second);
    }
    if borrow {
        *rest = before;
    }
    !borrow
}
