//! A keyring opens with its passphrase, whole and unchanged, or not at all.

use super::*;
use crate::crypto::SystemRandom;
use crate::keys::{Gathering, MAX_WRAPPED, Share, ShareError};

const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);
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
    assert_eq!(keyring.infos().len(), KeyPurpose::NATIVE.len());
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
fn it_is_known_again_as_it_was_sealed_and_not_otherwise() {
    let (_, mut made) = made();
    let sealed = made.seal(&SystemRandom).unwrap();
    assert!(made.is_sealed_as(&sealed));
    let mut bytes = sealed.to_bytes();
    *bytes.last_mut().unwrap() ^= 1;
    assert!(!made.is_sealed_as(&SealedKeyring::from_bytes(&bytes).unwrap()), "the seal of another");
    made.rotate(&SystemRandom, KeyPurpose::Audit, NOW).unwrap();
    assert!(!made.is_sealed_as(&sealed), "a key more");
}

#[test]
fn no_version_comes_twice() {
    let (_, made) = made();
    let mut sealed = made.seal(&SystemRandom).unwrap();
    let purpose = sealed.keys[0].info().purpose;
    sealed.keys.push(sealed.keys[0].clone());
    assert_eq!(SealedKeyring::from_bytes(&sealed.to_bytes()).err(), Some(KeyError::Duplicate(purpose)));
}

#[test]
fn a_block_of_an_older_sealing_cannot_be_put_back() {
    let (region, mut made) = made();
    let before = made.seal(&SystemRandom).unwrap();
    made.rotate(&SystemRandom, KeyPurpose::TokenDerivation, NOW).unwrap();
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
    let second = made.rotate(&SystemRandom, purpose, NOW).unwrap();
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
        let version = made.rotate(&SystemRandom, KeyPurpose::Par, NOW).unwrap();
        if version.get() > 1 {
            made.destroy(KeyPurpose::Par, KeyVersion::new(version.get() - 1).unwrap()).unwrap();
        }
    }
    let end = made.rotate(&SystemRandom, KeyPurpose::Par, NOW);
    assert_eq!(end, Err(KeyError::VersionsExhausted(KeyPurpose::Par)));
}

#[test]
fn when_a_key_retired_is_kept_to_ten_minutes_and_never_early() {
    let (region, mut made) = made();
    let now = UnixTime::from_seconds(NOW.seconds() + 1);
    made.rotate(&SystemRandom, KeyPurpose::TokenDerivation, now).unwrap();
    let read = SealedKeyring::from_bytes(&made.seal(&SystemRandom).unwrap().to_bytes()).unwrap();
    let read = read.open(&region, &passphrase("correct")).unwrap();
    assert!(read.infos().eq(made.infos()));
    let first = *read.infos().next().unwrap();
    let retired = NOW.seconds() + 600;
    assert_eq!(first.retired, Some(UnixTime::from_seconds(retired)));
    let within = |grace, seconds| first.is_within(grace, UnixTime::from_seconds(seconds));
    assert!(within(1000, retired + 999) && !within(1000, retired + 1000) && within(u64::MAX, u64::MAX - 1));
    let active = *read.infos().last().unwrap();
    assert!(active.retired.is_none() && active.is_within(0, now));
}

/// Every key, by its check value and whether it still loads.
fn loaded(open: &OpenKeyring) -> Vec<KeyInfo> {
    open.load().unwrap().infos().to_vec()
}

#[test]
fn another_provider_opens_the_same_keys_and_the_old_one_nothing() {
    let (region, mut made) = made();
    made.rotate(&SystemRandom, KeyPurpose::PanSealing, NOW).unwrap();
    made.rotate(&SystemRandom, KeyPurpose::PanSealing, NOW).unwrap();
    made.destroy(KeyPurpose::PanSealing, KeyVersion::FIRST).unwrap();
    let (keys, root) = (loaded(&made), *made.root.expose());
    let old = made.seal(&SystemRandom).unwrap();
    let sealed = |made: &OpenKeyring| {
        let bytes = made.seal(&SystemRandom).unwrap().to_bytes();
        SealedKeyring::from_bytes(&bytes).unwrap()
    };

    made.enclose_by_passphrase(&SystemRandom, &passphrase("another"), CHEAP).unwrap();
    assert_ne!(made.root.expose(), &root, "the root key is the old one");
    assert_eq!(sealed(&made).open(&region, &passphrase("correct")).err(), Some(KeyError::WrongPassphrase));
    assert_eq!(loaded(&sealed(&made).open(&region, &passphrase("another")).unwrap()), keys);

    let shares = made.enclose_by_custodians(&SystemRandom, 2, 3).unwrap();
    let told = sealed(&made).open(&region, &passphrase("another")).err();
    assert_eq!(told, Some(KeyError::OtherProvider("custodians")));
    let gathered = |sealed: &SealedKeyring, shares: Vec<Share>| {
        let Provider::Custodians(splitting) = sealed.provider() else { panic!("{:?}", sealed.provider()) };
        let mut gathering = Gathering::new(splitting.clone());
        shares.into_iter().try_for_each(|share| gathering.give(share))?;
        gathering.key(&region)
    };
    let before = sealed(&made);
    let again = |at: usize| Share::parse(&region, &shares[at].text()).unwrap();
    let key = gathered(&before, vec![again(2), again(0)]).unwrap().unwrap();
    assert_eq!(loaded(&before.clone().open_with(&region, &key).unwrap()), keys);

    // Shared anew: the old shares are told to be old, and their key opens nothing.
    let newer = made.enclose_by_custodians(&SystemRandom, 3, 4).unwrap();
    let after = sealed(&made);
    assert_eq!(gathered(&after, vec![again(2)]).err(), Some(ShareError::AnotherSplitting(3)));
    assert_eq!(after.clone().open_with(&region, &key).err(), Some(KeyError::WrongKey));
    let key = gathered(&after, newer.into_iter().skip(1).collect()).unwrap().unwrap();
    assert_eq!(loaded(&after.open_with(&region, &key).unwrap()), keys);

    let wrapping = LoadedKey::generate(&region, &SystemRandom).unwrap();
    made.enclose_by_device(&SystemRandom, &wrapping, vec![7; 300]).unwrap();
    assert_eq!(sealed(&made).provider(), &Provider::Device(vec![7; 300]));
    assert_eq!(loaded(&sealed(&made).open_with(&region, &wrapping).unwrap()), keys);
    let long = made.enclose_by_device(&SystemRandom, &wrapping, vec![0; MAX_WRAPPED + 1]);
    assert_eq!(long, Err(KeyError::TooLong));
    // What was sealed before goes on opening with what opened it: copies are copies.
    assert_eq!(loaded(&old.open(&region, &passphrase("correct")).unwrap()), keys);
}

#[test]
fn no_flipped_byte_of_any_provider_opens() {
    let (region, mut made) = made();
    made.enclose_by_custodians(&SystemRandom, 2, 2).map(|_| ()).unwrap();
    let wrapping = LoadedKey::generate(&region, &SystemRandom).unwrap();
    let custodians = Provider::read(&made.seal(&SystemRandom).unwrap().to_bytes()).unwrap().0;
    made.enclose(&SystemRandom, custodians, &wrapping).unwrap();
    let splitting = made.seal(&SystemRandom).unwrap();
    made.enclose_by_device(&SystemRandom, &wrapping, vec![7; 30]).unwrap();
    for sealed in [splitting, made.seal(&SystemRandom).unwrap()] {
        let bytes = sealed.to_bytes();
        let open = |bytes: &[u8]| SealedKeyring::from_bytes(bytes)?.open_with(&region, &wrapping);
        assert!(open(&bytes).is_ok());
        for index in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[index] ^= 1;
            assert!(open(&flipped).is_err(), "byte {index}");
            assert!(SealedKeyring::from_bytes(&bytes[..index]).is_err(), "cut at {index}");
        }
    }
}
