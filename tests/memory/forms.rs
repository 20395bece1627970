//! How a secret may lie in memory.
//!
//! Each form is cut into strings of eight bytes, so that a part that survived is
//! found too: spilled registers and halves that were overwritten.

use sha2::block_api::compress256;

const SHA_256_START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// A key of 32 bytes: itself, as HMAC keys with it, and as AES does.
pub fn key_forms(key: &[u8; 32]) -> Vec<Vec<u8>> {
    let mut forms = mac_key_forms(key);
    forms.extend(aes::forms(key));
    forms
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

mod aes {
    //! What AES-256-GCM makes of a key (FIPS 197, section 5.2; SP 800-38D).

    /// Round keys from the third on (the first two are the key), in their own order
    /// and with reversed words, and the hash key in the orders that software holds it.
    pub fn forms(key: &[u8; 32]) -> Vec<Vec<u8>> {
        let mut forms = super::strings(&round_keys(key)[32..]);
        let hash_key = hash_key(key);
        for value in [hash_key, doubled(hash_key)] {
            for bytes in [value.to_be_bytes(), value.to_le_bytes()] {
                forms.extend(bytes.chunks_exact(8).map(<[u8]>::to_vec));
            }
        }
        forms
    }

    fn round_keys(key: &[u8; 32]) -> Vec<u8> {
        let sbox = sbox();
        let substituted = |word: [u8; 4]| word.map(|byte| sbox[usize::from(byte)]);
        let mut words: Vec<[u8; 4]> = key.chunks_exact(4).map(|word| word.try_into().unwrap()).collect();
        let mut round = 1u8;
        while words.len() < 60 {
            let mut word = words[words.len() - 1];
            if words.len().is_multiple_of(8) {
                word.rotate_left(1);
                word = substituted(word);
                word[0] ^= round;
                round <<= 1;
            } else if words.len() % 8 == 4 {
                word = substituted(word);
            }
            let before = words[words.len() - 8];
            word.iter_mut().zip(before).for_each(|(byte, before)| *byte ^= before);
            words.push(word);
        }
        words.concat()
    }

    /// Inverse in GF(2^8), then the affine map.
    fn sbox() -> [u8; 256] {
        let mut sbox = [0; 256];
        let (mut p, mut q) = (1u8, 1u8);
        loop {
            // p times 3, q divided by 3: together they go round all pairs of inverses.
            p ^= (p << 1) ^ if p & 0x80 != 0 { 0x1b } else { 0 };
            q ^= q << 1;
            q ^= q << 2;
            q ^= q << 4;
            q ^= if q & 0x80 != 0 { 0x09 } else { 0 };
            let turned = q ^ q.rotate_left(1) ^ q.rotate_left(2) ^ q.rotate_left(3) ^ q.rotate_left(4);
            sbox[usize::from(p)] = turned ^ 0x63;
            if p == 1 {
                sbox[0] = 0x63;
                return sbox;
            }
        }
    }

    /// Zeros under the key: with a nonce of zeros and counter 0 that GCM never uses,
    /// so it is asked of an own cipher.
    fn hash_key(key: &[u8; 32]) -> u128 {
        u128::from_be_bytes(encrypt_zeros(&round_keys(key)))
    }

    fn encrypt_zeros(round_keys: &[u8]) -> [u8; 16] {
        let sbox = sbox();
        let mut state = [0u8; 16];
        let rounds = round_keys.len() / 16 - 1;
        for (round, key) in round_keys.chunks_exact(16).enumerate() {
            if round > 0 {
                let shifted: [u8; 16] =
                    std::array::from_fn(|i| sbox[usize::from(state[(i + 4 * (i % 4)) % 16])]);
                state = if round < rounds { mix_columns(&shifted) } else { shifted };
            }
            state.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
        }
        state
    }

    fn mix_columns(state: &[u8; 16]) -> [u8; 16] {
        let twice = |byte: u8| (byte << 1) ^ if byte & 0x80 != 0 { 0x1b } else { 0 };
        std::array::from_fn(|i| {
            let column = &state[i / 4 * 4..][..4];
            let at = |step: usize| column[(i + step) % 4];
            twice(at(0)) ^ twice(at(1)) ^ at(1) ^ at(2) ^ at(3)
        })
    }

    /// Times x in GCM's field with reflected bits, as carry-less multiplication wants it.
    fn doubled(hash_key: u128) -> u128 {
        let carry = hash_key >> 127;
        (hash_key << 1) ^ if carry == 1 { 0xC200_0000_0000_0000_0000_0000_0000_0001 } else { 0 }
    }

    /// FIPS 197, appendix A.3 and SP 800-38D's test case 13.
    #[test]
    fn as_published() {
        let key: [u8; 32] = data_encoding::HEXLOWER
            .decode(b"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
            .unwrap()
            .try_into()
            .unwrap();
        assert_eq!(data_encoding::HEXLOWER.encode(&round_keys(&key)[59 * 4..]), "706c631e");
        let zero = hash_key(&[0; 32]);
        assert_eq!(zero, 0xdc95_c078_a240_8989_ad48_a214_9284_2087);
    }
}
