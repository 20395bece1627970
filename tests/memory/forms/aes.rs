//! What AES makes of a key (FIPS 197, section 5.2), and GCM (SP 800-38D) and CMAC
//! (SP 800-38B) of that.

/// For AES-256-GCM: round keys from the third on (the first two are the key), in their
/// own order and with reversed words, and the hash key in the orders that software holds
/// it.
pub fn gcm_forms(key: &[u8; 32]) -> Vec<Vec<u8>> {
    let mut forms = super::strings(&round_keys(key)[32..]);
    let hash_key = hash_key(key);
    forms.extend(halves([hash_key, doubled(hash_key)]));
    forms
}

/// For the block cipher and CMAC, with a key of 16, 24 or 32 bytes: the key, its round
/// keys, those of the equivalent inverse cipher (FIPS 197, section 5.3.5), and CMAC's
/// subkeys with what they are made of.
pub fn block_forms(key: &[u8]) -> Vec<Vec<u8>> {
    let round_keys = round_keys(key);
    let mut forms = super::strings(&round_keys);
    let mixed = round_keys.as_chunks().0.iter().flat_map(inverse_mixed);
    forms.extend(super::strings(&mixed.collect::<Vec<u8>>()));
    let zeros = u128::from_be_bytes(encrypt_zeros(&round_keys));
    let times_x = |value: u128| value << 1 ^ if value >> 127 == 1 { 0x87 } else { 0 };
    forms.extend(halves([zeros, times_x(zeros), times_x(times_x(zeros))]));
    forms
}

/// Each in either byte order, half by half.
fn halves<const N: usize>(values: [u128; N]) -> impl Iterator<Item = Vec<u8>> {
    let orders = values.into_iter().flat_map(|value| [value.to_be_bytes(), value.to_le_bytes()]);
    orders.flat_map(|bytes| [bytes[..8].to_vec(), bytes[8..].to_vec()])
}

fn round_keys(key: &[u8]) -> Vec<u8> {
    let length = key.len() / 4;
    let sbox = sbox();
    let substituted = |word: [u8; 4]| word.map(|byte| sbox[usize::from(byte)]);
    let mut words: Vec<[u8; 4]> = key.chunks_exact(4).map(|word| word.try_into().unwrap()).collect();
    let mut round = 1u8;
    while words.len() < 4 * (length + 7) {
        let mut word = words[words.len() - 1];
        if words.len().is_multiple_of(length) {
            word.rotate_left(1);
            word = substituted(word);
            word[0] ^= round;
            round = twice(round);
        } else if length > 6 && words.len() % length == 4 {
            word = substituted(word);
        }
        let before = words[words.len() - length];
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
        p ^= twice(p);
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
            let shifted: [u8; 16] = std::array::from_fn(|i| sbox[usize::from(state[(i + 4 * (i % 4)) % 16])]);
            state = if round < rounds { mix_columns(&shifted) } else { shifted };
        }
        state.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    }
    state
}

/// Times x in GF(2^8).
fn twice(byte: u8) -> u8 {
    (byte << 1) ^ if byte & 0x80 != 0 { 0x1b } else { 0 }
}

fn mix_columns(state: &[u8; 16]) -> [u8; 16] {
    std::array::from_fn(|i| {
        let column = &state[i / 4 * 4..][..4];
        let at = |step: usize| column[(i + step) % 4];
        twice(at(0)) ^ twice(at(1)) ^ at(1) ^ at(2) ^ at(3)
    })
}

/// InvMixColumns is MixColumns three times (its matrix has order 4).
fn inverse_mixed(state: &[u8; 16]) -> [u8; 16] {
    mix_columns(&mix_columns(&mix_columns(state)))
}

/// Times x in GCM's field with reflected bits, as carry-less multiplication wants it.
fn doubled(hash_key: u128) -> u128 {
    let carry = hash_key >> 127;
    (hash_key << 1) ^ if carry == 1 { 0xC200_0000_0000_0000_0000_0000_0000_0001 } else { 0 }
}

/// FIPS 197, appendices A.3 and C.1, and SP 800-38D's test case 13.
#[test]
fn as_published() {
    let key: [u8; 32] = data_encoding::HEXLOWER
        .decode(b"603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(data_encoding::HEXLOWER.encode(&round_keys(&key)[59 * 4..]), "706c631e");
    let short: Vec<u8> = (0..16).collect();
    assert_eq!(
        data_encoding::HEXLOWER.encode(&round_keys(&short)[40 * 4..]),
        "13111d7fe3944a17f307a78b4d2b30c5"
    );
    let zero = hash_key(&[0; 32]);
    assert_eq!(zero, 0xdc95_c078_a240_8989_ad48_a214_9284_2087);
}
