//! What DES makes of a key (FIPS 46-3, the key schedule KS).

const PC1: [u8; 56] = [
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44,
    36, 63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20,
    12, 4,
];
const PC2: [u8; 48] = [
    14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37,
    47, 55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];
const SHIFTS: [u32; 16] = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];

/// The sixteen subkeys as the crate `des` keeps them: each in the upper 48 bits of a word,
/// in either byte order; and the halves C and D of which each is chosen, side by side.
pub fn forms(key: &[u8; 8]) -> Vec<Vec<u8>> {
    let words = schedule(key).into_iter().flat_map(|(halves, subkey)| [halves << 8, subkey << 16]);
    words.flat_map(|word| [word.to_le_bytes().to_vec(), word.to_be_bytes().to_vec()]).collect()
}

/// C and D, 56 bits, and the subkey, 48.
fn schedule(key: &[u8; 8]) -> Vec<(u64, u64)> {
    let chosen = choose(u64::from_be_bytes(*key), 64, &PC1);
    let (mut c, mut d) = (chosen >> 28, chosen & 0x0fff_ffff);
    let turned = |half: u64, by: u32| (half << by | half >> (28 - by)) & 0x0fff_ffff;
    let round = |by: &u32| {
        (c, d) = (turned(c, *by), turned(d, *by));
        let halves = c << 28 | d;
        (halves, choose(halves, 56, &PC2))
    };
    SHIFTS.iter().map(round).collect()
}

/// The bits that a table names, of `width`, the first being the highest.
fn choose(from: u64, width: u8, table: &[u8]) -> u64 {
    table.iter().fold(0, |chosen, bit| chosen << 1 | from >> (width - bit) & 1)
}

/// J. O. Grabbe, "The DES Algorithm Illustrated".
#[test]
fn as_published() {
    let subkeys = schedule(&0x1334_5779_9bbc_dff1u64.to_be_bytes());
    assert_eq!((subkeys[0].1, subkeys[15].1), (0x1b02_effc_7072, 0xcb3d_8b0e_17f5));
}
