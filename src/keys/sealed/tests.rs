//! A keyring opens with its passphrase, whole and unchanged, or not at all.

use super::*;
use crate::crypto::SystemRandom;

const CHEAP: PassphraseCost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };

fn passphrase(text: &str) -> SecretSlice<u8> {
    text.as_bytes().to_vec().into()
}

fn made() -> (Region, OpenKeyring) {
    let region = Region::new(64).unwrap();
    let open = OpenKeyring::create(&region, &SystemRandom, &passphrase("correct"), CHEAP).unwrap();
    (region, open)
}

fn open(region: &Region, bytes: &[u8], text: &str) -> Result<Keyring, KeyError> {
    SealedKeyring::from_bytes(bytes)?.open(region, &passphrase(text))?.load()
}

#[test]
fn opens_with_its_passphrase_only() {
    let (region, made) = made();
    let bytes = made.seal(&SystemRandom).unwrap().to_bytes();
    let keyring = open(&region, &bytes, "correct").unwrap();
    let original = made.load().unwrap();
    let (_, key) = keyring.token_derivation.active();
    assert_eq!(key.expose(), original.token_derivation.active().1.expose());
    assert_eq!(keyring.infos().len(), KeyPurpose::ALL.len());
    assert_eq!(open(&region, &bytes, "wrong").unwrap_err(), KeyError::WrongPassphrase);
}

#[test]
fn the_bytes_hold_no_key() {
    let (_, made) = made();
    let bytes = made.seal(&SystemRandom).unwrap().to_bytes();
    let keyring = made.load().unwrap();
    for key in
        [keyring.token_derivation.active().1.expose(), keyring.audit.active().1.expose(), made.root.expose()]
    {
        assert!(!bytes.windows(8).any(|window| key.windows(8).any(|part| part == window)));
    }
}

#[test]
fn no_flipped_byte_and_no_other_length_opens() {
    let (region, made) = made();
    let bytes = made.seal(&SystemRandom).unwrap().to_bytes();
    for index in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[index] ^= 1;
        // A flipped cost may ask for more memory than a test should take.
        if !(12..24).contains(&index) {
            assert!(open(&region, &flipped, "correct").is_err(), "byte {index}");
        }
        assert!(SealedKeyring::from_bytes(&bytes[..index]).is_err(), "cut at {index}");
    }
}

#[test]
fn a_block_of_an_older_sealing_cannot_be_put_back() {
    let (region, mut made) = made();
    let before = made.seal(&SystemRandom).unwrap();
    made.rotate(&SystemRandom, KeyPurpose::TokenDerivation).unwrap();
    let mut after = made.seal(&SystemRandom).unwrap();
    after.keys[0] = before.keys[0].clone();
    let opened = after.open(&region, &passphrase("correct"));
    assert_eq!(opened.map(|_| ()), Err(KeyError::NotAuthentic));
}

#[test]
fn rotation_keeps_the_old_version_until_it_is_destroyed() {
    let (region, mut made) = made();
    let first = KeyVersion::FIRST;
    let purpose = KeyPurpose::TokenDerivation;
    assert_eq!(made.destroy(purpose, first), Err(KeyError::NotRetiring));
    let second = made.rotate(&SystemRandom, purpose).unwrap();
    let keyring = open(&region, &made.seal(&SystemRandom).unwrap().to_bytes(), "correct").unwrap();
    assert_eq!(keyring.token_derivation.active().0, second);
    assert!(keyring.token_derivation.get(first).is_some());
    made.destroy(purpose, first).unwrap();
    let keyring = open(&region, &made.seal(&SystemRandom).unwrap().to_bytes(), "correct").unwrap();
    assert!(keyring.token_derivation.get(first).is_none());
    assert_eq!(made.destroy(purpose, second), Err(KeyError::NotRetiring));
}

#[test]
fn versions_end_at_255() {
    let (_region, mut made) = made();
    for _ in 1..255 {
        let version = made.rotate(&SystemRandom, KeyPurpose::Par).unwrap();
        if version.get() > 1 {
            made.destroy(KeyPurpose::Par, KeyVersion::new(version.get() - 1).unwrap()).unwrap();
        }
    }
    let end = made.rotate(&SystemRandom, KeyPurpose::Par);
    assert_eq!(end, Err(KeyError::VersionsExhausted(KeyPurpose::Par)));
}
