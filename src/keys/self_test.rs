//! The start-up self-test of key blocks of other systems and of check values.

use super::tr31::{Block, ProtectionKey};
use super::{CheckMethod, CheckValue};
use crate::crypto::{KeyAlgorithm, SelfTestError};

/// A block of each version, made by `psec` 1.3.0, its protection key and the key inside.
const BLOCKS: [(KeyAlgorithm, &[u8; 16], &str, [u8; 16]); 3] = [
    (
        KeyAlgorithm::Tdes2,
        b"\x94\x51\x4f\xc2\xe0\xce\x3d\x4a\x8a\x97\x04\x04\x43\xc2\x32\xea",
        "C0088K0TB72N00003558E565FDFD95712856C209363946C54510F07A8AA833208214F8415FCF7E514904A95A",
        *b"\x0e\xdc\xd9\x8c\xbc\xd0\xce\xec\x1a\x32\xf1\x13\x01\x15\x38\x46",
    ),
    (
        KeyAlgorithm::Tdes2,
        b"\xf2\xd6\xc8\x9b\x70\x9b\x45\x1a\x38\x58\x7a\x6e\xdf\x8c\x0b\x80",
        "B0096C0TG98S00007D593A4B090F91459AD75411397ADC4571531F06D3273D2C0605BD1551950E7092E75F38A1070B26",
        *b"\x8a\x86\xf2\x40\xce\x34\xbf\x23\xb9\x0e\x9d\xe5\x43\x4f\x26\x49",
    ),
    (
        KeyAlgorithm::Aes128,
        b"\x5b\xfe\xb7\xdd\xcc\xd7\x0c\xcc\x48\xd9\x41\x1f\x95\xc6\xdc\x30",
        "D0144E0AG90S0000A1B273EE481EAE40072B8AB9172DE9ACE871ED68868C6BBDB10B4A51E45AB593E87DCF1B9215B71967C4472DDE2BC978D276057BC8E81229A0E6571B62FA983D",
        *b"\x8a\xf5\xd8\x87\x36\xa6\x4e\x84\x0c\x31\xbd\xe8\x87\x30\x91\x47",
    ),
];
/// A key and its check value by Python's `cryptography`.
const CHECKED: &[u8; 16] = b"\x5b\xae\x7a\x26\x52\x58\xc1\x0b\x6e\xda\x79\x15\x61\x26\x7f\xcb";
const CHECK: [u8; 3] = [0x5a, 0xe4, 0xa8];

/// Opens one known block of each binding, none with a character changed, and computes one
/// check value.
///
/// # Errors
/// [`SelfTestError`] names what failed.
pub fn self_test() -> Result<(), SelfTestError> {
    check_blocks(opens)?;
    check_values(&CHECK)
}

/// Whether a block opens under a protection key and gives a key.
fn opens(algorithm: KeyAlgorithm, protection: &[u8; 16], text: &str, key: &[u8; 16]) -> bool {
    let protection = ProtectionKey::new(algorithm, protection).ok();
    let block = Block::parse(text.as_bytes()).ok();
    let opened = block.zip(protection).and_then(|(block, key)| block.unwrap(key).ok());
    opened.is_some_and(|opened| opened.expose() == key)
}

fn check_blocks(
    opens: impl Fn(KeyAlgorithm, &[u8; 16], &str, &[u8; 16]) -> bool,
) -> Result<(), SelfTestError> {
    for (algorithm, protection, text, key) in &BLOCKS {
        // Another exportability, if it were believed; the last digit of the MAC, another.
        let header = text.replacen("S0000", "E0000", 1).replacen("N0000", "E0000", 1);
        let (rest, last) = text.split_at(text.len() - 1);
        let mac = format!("{rest}{}", if last == "0" { "1" } else { "0" });
        let changed = [header, mac];
        let any_opens = changed.iter().any(|text| opens(*algorithm, protection, text, key));
        if any_opens || !opens(*algorithm, protection, text, key) {
            return Err(SelfTestError("key blocks"));
        }
    }
    Ok(())
}

/// Of triple DES, the value is the known one; of AES, by the same method, it is another.
fn check_values(known: &[u8; 3]) -> Result<(), SelfTestError> {
    let value = |algorithm, key: &[u8]| CheckValue::of(algorithm, CheckMethod::Legacy, key).ok();
    let known = CheckValue::from_bytes(known);
    let (tdes, aes) = (value(KeyAlgorithm::Tdes2, CHECKED), value(KeyAlgorithm::Aes128, CHECKED));
    if tdes == known && aes != known { Ok(()) } else { Err(SelfTestError("key check values")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_here() {
        assert_eq!(self_test(), Ok(()));
    }

    /// In how many places a text differs from the block that it was, and whether its last
    /// is among them.
    fn changes(text: &str) -> (usize, bool) {
        let known =
            BLOCKS.iter().map(|(_, _, known, _)| known).find(|known| known[..5] == text[..5]).unwrap();
        assert_eq!(text.len(), known.len());
        let differs = |at: &usize| text.as_bytes()[*at] != known.as_bytes()[*at];
        ((0..text.len()).filter(differs).count(), differs(&(text.len() - 1)))
    }

    #[test]
    fn what_opens_too_much_or_too_little_fails() {
        const FAILED: Result<(), SelfTestError> = Err(SelfTestError("key blocks"));
        assert_eq!(check_blocks(|_, _, text, _| changes(text).0 == 0), Ok(()));
        assert_eq!(check_blocks(|_, _, _, _| false), FAILED);
        assert_eq!(check_blocks(|_, _, _, _| true), FAILED);
        // What takes another MAC, and what takes another header.
        assert_eq!(check_blocks(|_, _, text, _| changes(text) == (1, true) || changes(text).0 == 0), FAILED);
        assert_eq!(check_blocks(|_, _, text, _| changes(text) == (1, false) || changes(text).0 == 0), FAILED);
    }

    #[test]
    fn another_check_value_fails() {
        let of_aes = CheckValue::of(KeyAlgorithm::Aes128, CheckMethod::Legacy, CHECKED).unwrap();
        let of_aes = of_aes.as_bytes().try_into().unwrap();
        for known in [[0; 3], of_aes] {
            assert_eq!(check_values(&known), Err(SelfTestError("key check values")));
        }
    }
}
