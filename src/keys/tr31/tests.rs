//! Blocks of others open, ours come back, and nothing that was changed does.

use data_encoding::HEXLOWER;
use proptest::prelude::*;

use super::*;
use crate::crypto::{KeyAlgorithm, Random, RandomError, SystemRandom};

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

fn algorithm(tdes: bool, length: usize) -> KeyAlgorithm {
    match (tdes, length) {
        (true, 16) => KeyAlgorithm::Tdes2,
        (true, _) => KeyAlgorithm::Tdes3,
        (false, 16) => KeyAlgorithm::Aes128,
        (false, 24) => KeyAlgorithm::Aes192,
        (false, _) => KeyAlgorithm::Aes256,
    }
}

/// Made by `psec` 1.3.0: protection key, block, key.
const MADE_BY_OTHERS: [[&str; 3]; 5] = [
    [
        "c20b3ea8b0463b804915b0262f3498a2",
        "A0088K0TX77S00005728532DBCE898554BAAF294534C11AD8EF3B089BE57823BAA75AA2F0622901AF27CFC1D",
        "7f8919b90e2946cdbf7a31a88c04a438",
    ],
    [
        "0bcd3832a4e52ffeae1661571c3b153d9d67524c756e2cb5",
        "B0096C0TN81S00008C7233613E60E40B137166673F7DE53D28EC17FDE0729E2A4223B294C00777A2B325E5D49B3C63AC",
        "df8945927f23861c0bdc91f2d9df235e",
    ],
    [
        "94514fc2e0ce3d4a8a97040443c232ea",
        "C0088K0TB72N00003558E565FDFD95712856C209363946C54510F07A8AA833208214F8415FCF7E514904A95A",
        "0edcd98cbcd0ceec1a32f11301153846",
    ],
    [
        "f27d7a36b7513b14a0d8b1811cded4c0b796aee179491cae",
        "D0144M6AG47S0000CEAFCF258ED9F6A345D80B3B9D2818808533A1D842755F8068E3B7CF36B66F53353850C9396E763984B4B76E5C551F3F71DF0B16DE2D0F98E6AB07917A573546",
        "58f9ae3e0bf56bc459cb74337faba87d",
    ],
    // With optional blocks, and the key FFFFFFFFEEEEEEEE.
    [
        "46464646464646464545454545454545",
        "B0120P0TE00N0200TT0EHelloWorldPB0A0000008FE0CA0F00BAA9A1E3695A6C051FAB695FCE07E289BC0151D096909BB87670F63238670402E90A37",
        "43434343434343434444444444444444",
    ],
];

fn open(protection: &[u8], text: &[u8]) -> Result<Vec<u8>, Tr31Error> {
    let tdes = text.first() != Some(&b'D');
    let protection = ProtectionKey::new(algorithm(tdes, protection.len()), protection)?;
    Ok(Block::parse(text)?.unwrap(protection)?.expose().to_vec())
}

#[test]
fn blocks_of_others_open() {
    for [protection, text, key] in MADE_BY_OTHERS {
        assert_eq!(open(&hex(protection), text.as_bytes()), Ok(hex(key)), "{text}");
    }
}

#[test]
fn no_changed_character_opens_and_no_other_length() {
    for [protection, text, _] in MADE_BY_OTHERS {
        let protection = hex(protection);
        for at in 0..text.len() {
            for other in b" 0123456789ABCDEFNSabcz~\x80" {
                let mut changed = text.as_bytes().to_vec();
                changed[at] = *other;
                let same = changed == text.as_bytes();
                assert_eq!(open(&protection, &changed).is_ok(), same, "{other} at {at} of {text}");
            }
            assert!(open(&protection, &text.as_bytes()[..at]).is_err());
        }
        assert!(open(&protection, format!("{text}0").as_bytes()).is_err());
        // A flipped bit that is not parity.
        for at in 0..protection.len() {
            let mut other = protection.clone();
            other[at] ^= 0x10;
            assert_eq!(open(&other, text.as_bytes()), Err(Tr31Error::NotAuthentic));
        }
    }
}

#[test]
fn a_key_of_another_algorithm_than_the_version_is_told() {
    for [_, text, _] in MADE_BY_OTHERS {
        let block = Block::parse(text.as_bytes()).unwrap();
        let version = block.header().version;
        let other = algorithm(version == BlockVersion::D, 16);
        let told = block.unwrap(ProtectionKey::new(other, &[1; 16]).unwrap());
        assert_eq!(told.err(), Some(Tr31Error::ProtectionKey(version)));
        let header = Header { version: BlockVersion::A, ..block.header().clone() };
        let read_only =
            header.wrap(ProtectionKey::new(algorithm(true, 16), &[1; 16]).unwrap(), &SystemRandom, &[1; 16]);
        assert_eq!(read_only, Err(Tr31Error::ReadOnly(BlockVersion::A)));
    }
}

fn header(version: BlockVersion, algorithm: Algorithm) -> Header {
    Header {
        version,
        usage: KeyUsage::CARD_VERIFICATION,
        algorithm,
        mode: ModeOfUse::GenerateVerify,
        key_version: KeyVersionNumber::NONE,
        exportability: Exportability::Trusted,
        context: KeyContext::Any,
        optional: OptionalBlocks::default(),
    }
}

#[test]
fn a_block_does_not_tell_how_long_its_key_is_nor_whether_it_is_the_same() {
    for (version, tdes, of_tdes, of_aes) in
        [(BlockVersion::B, true, 96, 112), (BlockVersion::D, false, 112, 144)]
    {
        let protection = ProtectionKey::new(algorithm(tdes, 24), &[0x13; 24]).unwrap();
        for (kind, lengths, characters) in
            [(Algorithm::Tdes, &[16, 24][..], of_tdes), (Algorithm::Aes, &[16, 24, 32], of_aes)]
        {
            let made = |length: &usize| {
                header(version, kind).wrap(protection, &SystemRandom, &vec![7; *length]).unwrap()
            };
            let blocks: Vec<String> = lengths.iter().chain(lengths).map(made).collect();
            assert!(blocks.iter().all(|block| block.len() == characters), "{kind:?} in {version:?}");
            for (nth, block) in blocks.iter().enumerate() {
                assert!(blocks.iter().skip(nth + 1).all(|other| other[16..] != block[16..]));
            }
        }
    }
}

#[test]
fn what_cannot_be_wrapped_is_told() {
    let protection = ProtectionKey::new(KeyAlgorithm::Aes128, &[1; 16]).unwrap();
    let wrap = |header: &Header, key: &[u8]| header.wrap(protection, &SystemRandom, key);
    let plain = header(BlockVersion::D, Algorithm::Aes);
    assert_eq!(wrap(&plain, &[]), Err(Tr31Error::KeyLength));
    assert_eq!(wrap(&plain, &[0; 8192]), Err(Tr31Error::KeyLength));
    assert_eq!(wrap(&plain, &[0; 8191]), Err(Tr31Error::TooLong));
    assert_eq!(
        wrap(&header(BlockVersion::B, Algorithm::Aes), &[1]),
        Err(Tr31Error::ProtectionKey(BlockVersion::B))
    );
    struct Refuses;
    impl Random for Refuses {
        fn fill(&self, _: &mut [u8]) -> Result<(), RandomError> {
            Err(RandomError)
        }
    }
    assert_eq!(plain.wrap(protection, &Refuses, &[1; 16]), Err(Tr31Error::Crypto(RandomError.into())));
}

/// Of ciphertext there is a block at least, and no part of one.
#[test]
fn what_is_encrypted_is_whole_blocks() {
    for (version, mac) in [("B", 16), ("D", 32)] {
        for behind in 0..200 {
            let text = format!("{version}{:04}C0TC00E0000{:0<behind$}", 16 + behind, "");
            let whole = behind > mac && (behind - mac) % mac == 0;
            assert_eq!(Block::parse(text.as_bytes()).is_ok(), whole, "{text}");
        }
    }
}

/// Blocks that are authentic and whose inside says an impossible length.
#[test]
fn an_impossible_length_inside_is_told() {
    let protection = [0x21; 16];
    for (bits, told) in
        [(0u16, false), (7, false), (129, false), (128, true), (240, true), (248, false), (0xfff8, false)]
    {
        let mut clear = [&bits.to_be_bytes()[..], &[5; 30]].concat();
        let with = ProtectionKey::new(KeyAlgorithm::Tdes2, &protection).unwrap();
        let block = header(BlockVersion::B, Algorithm::Tdes).seal(with, &mut clear).unwrap();
        let expected = if told { Ok(vec![5; usize::from(bits / 8)]) } else { Err(Tr31Error::KeyLength) };
        assert_eq!(open(&protection, block.as_bytes()), expected, "{bits} bits");
    }
}

fn optional() -> impl Strategy<Value = OptionalBlocks> {
    let one = ("[A-OQ-Z][A-Z0-9]", prop_oneof![4 => "[ -~]{0,40}", 1 => "[ -~]{240,300}"]);
    prop::collection::vec(one, 0..6).prop_map(|list| {
        let mut blocks = OptionalBlocks::default();
        for (id, data) in list {
            let id = id.as_bytes().try_into().unwrap();
            // An id that was drawn twice is refused.
            let _ = blocks.push(OptionalBlock::new(id, data.as_bytes()).unwrap());
        }
        blocks
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn what_was_wrapped_comes_back(
        tdes: bool,
        protection in prop_oneof![prop::collection::vec(any::<u8>(), 16), prop::collection::vec(any::<u8>(), 24), prop::collection::vec(any::<u8>(), 32)],
        kind in prop::sample::select(vec![Algorithm::Tdes, Algorithm::Aes, Algorithm::Hmac]),
        key in prop::collection::vec(any::<u8>(), 1..80),
        optional in optional(),
    ) {
        let protection = if tdes { &protection[..protection.len().min(24)] } else { &protection };
        let version = if tdes { BlockVersion::B } else { BlockVersion::D };
        let header = Header { optional, ..header(version, kind) };
        let with = ProtectionKey::new(algorithm(tdes, protection.len()), protection).unwrap();
        let text = header.wrap(with, &SystemRandom, &key).unwrap();
        let block = Block::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(&block.header().optional.kept(|_| true), &header.optional);
        prop_assert_eq!(block.header().usage, header.usage);
        let opened = block.unwrap(with).unwrap();
        prop_assert_eq!(opened.expose(), &key[..]);
    }
}
