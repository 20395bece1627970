//! Imported keys come in and go out as they may, live through whatever the keyring does,
//! and are gone when they are destroyed.

use secrecy::SecretSlice;

use super::*;
use crate::crypto::{AES_BLOCK, BlockCipher as _, LoadedCipher, PassphraseCost, SystemRandom};
use crate::keys::tr31::{Algorithm, BlockVersion, OptionalBlock, Tr31Error};
use crate::keys::{Gathering, ImportedKey, Provider, SealedKeyring};
use crate::secmem::Region;
use crate::types::{KeyVersion, UnixTime};

const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);
const CHEAP: PassphraseCost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };
/// The transport keys, as their components make them.
const AES: [u8; 32] = [0x5a; 32];
const TDES: [u8; 24] =
    *b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10\x13\x57\x9b\xdf\x24\x68\xac\xe0";
const CVK: [u8; 16] = *b"\x10\x32\x54\x76\x98\xba\xdc\xfe\x0f\x1e\x2d\x3c\x4b\x5a\x69\x78";

fn passphrase(text: &str) -> SecretSlice<u8> {
    text.as_bytes().to_vec().into()
}

fn label(text: &str) -> KeyLabel {
    KeyLabel::parse(text).unwrap()
}

fn region() -> Region {
    Region::new(64 + MAX_IMPORTED * LoadedCipher::MOST_SLOTS).unwrap()
}

fn components(region: &Region, algorithm: KeyAlgorithm, key: &[u8]) -> (Components, CheckValue) {
    let value = |key: &[u8]| CheckValue::of(algorithm, CheckMethod::of(algorithm), key).unwrap();
    let mut components = Components::new(region, algorithm).unwrap();
    let first: Vec<u8> = (0..key.len()).map(|at| u8::try_from(at).unwrap() ^ 0xa5).collect();
    let second: Vec<u8> = first.iter().zip(key).map(|(a, b)| a ^ b).collect();
    for part in [first, second] {
        components.give(&part, value(&part)).unwrap();
    }
    (components, value(key))
}

/// A keyring with a transport key of AES-256 and one of TDES.
fn made(region: &Region) -> OpenKeyring {
    let mut keys = OpenKeyring::create(region, &SystemRandom, &passphrase("correct"), CHEAP).unwrap();
    for (name, algorithm, key) in
        [("aes", KeyAlgorithm::Aes256, AES.as_slice()), ("tdes", KeyAlgorithm::Tdes3, &TDES)]
    {
        let (components, check) = components(region, algorithm, key);
        let (purpose, export) = (KeyPurpose::KeyTransport, Exportability::Trusted);
        let info = keys.import_components(&SystemRandom, label(name), purpose, export, &components, check);
        assert_eq!(info.unwrap().check, check);
    }
    keys
}

fn header(version: BlockVersion) -> Header {
    Header {
        version,
        usage: KeyUsage::CARD_VERIFICATION,
        algorithm: Algorithm::Tdes,
        mode: ModeOfUse::GenerateVerify,
        key_version: KeyVersionNumber::parse(*b"17").unwrap(),
        exportability: Exportability::Trusted,
        context: KeyContext::Any,
        optional: OptionalBlocks::default(),
    }
}

/// A block that somebody else made under one of the transport keys.
fn block(header: &Header, key: &[u8]) -> String {
    let (algorithm, protection) = match header.version {
        BlockVersion::D => (KeyAlgorithm::Aes256, AES.as_slice()),
        _ => (KeyAlgorithm::Tdes3, TDES.as_slice()),
    };
    header.wrap(ProtectionKey::new(algorithm, protection).unwrap(), &SystemRandom, key).unwrap()
}

fn import(
    keys: &mut OpenKeyring,
    name: &str,
    header: &Header,
    key: &[u8],
) -> Result<ImportedInfo, ImportError> {
    let under = label(if header.version == BlockVersion::D { "aes" } else { "tdes" });
    keys.import(&SystemRandom, label(name), &under, block(header, key).as_bytes())
}

fn with_optional(blocks: &[(&[u8; 2], &str)]) -> OptionalBlocks {
    let mut optional = OptionalBlocks::default();
    for (id, data) in blocks {
        optional.push(OptionalBlock::new(**id, data.as_bytes()).unwrap()).unwrap();
    }
    optional
}

/// Everything about the imported keys: what is shown, and what each computes.
fn standing(keys: &OpenKeyring) -> Vec<(ImportedInfo, Option<Vec<u8>>)> {
    let loaded = keys.load().unwrap();
    let computed = |key: &ImportedKey| match key.cipher() {
        LoadedCipher::Tdes(cipher) => cipher.get().cmac(&[b"text"]).to_vec(),
        LoadedCipher::Aes(cipher) => cipher.get().cmac(&[b"text"]).to_vec(),
    };
    let of = |info: &ImportedInfo| (info.clone(), loaded.imported(info.label.as_str()).map(computed));
    loaded.imported_infos().iter().map(of).collect()
}

fn read_back(keys: &OpenKeyring, region: &Region, text: &str) -> OpenKeyring {
    let bytes = keys.seal(&SystemRandom).unwrap().to_bytes();
    let sealed = SealedKeyring::from_bytes(&bytes).unwrap();
    assert_eq!(sealed.to_bytes(), bytes);
    sealed.open(region, &passphrase(text)).unwrap()
}

/// A card verification key, an EMV master key, and a destroyed one.
fn filled(region: &Region) -> OpenKeyring {
    let mut keys = made(region);
    import(&mut keys, "cvk", &header(BlockVersion::B), &CVK).unwrap();
    let optional = with_optional(&[(b"LB", "issuer of cards"), (b"KP", "0001AABBCC")]);
    let usage = KeyUsage::EMV_APPLICATION_CRYPTOGRAMS;
    let imk = Header {
        usage,
        algorithm: Algorithm::Aes,
        mode: ModeOfUse::Derive,
        optional,
        ..header(BlockVersion::D)
    };
    import(&mut keys, "imk", &imk, &[0x33; 32]).unwrap();
    import(&mut keys, "old", &header(BlockVersion::D), &CVK).unwrap();
    keys.destroy_imported(&label("old")).unwrap();
    keys
}

#[test]
fn a_keyring_from_before_opens_and_has_the_bytes_it_had() {
    let region = region();
    let before = include_bytes!("before-imports.bin");
    let sealed = SealedKeyring::from_bytes(before).unwrap();
    assert_eq!(sealed.to_bytes(), before);
    let open = sealed.open(&region, &passphrase("correct horse")).unwrap();
    assert_eq!(open.imported_infos().count(), 0);
    let loaded = open.load().unwrap();
    assert!(loaded.imported("cvk").is_none() && loaded.imported_infos().is_empty());
    assert_eq!(open.seal(&SystemRandom).unwrap().to_bytes().len(), before.len());
}

#[test]
fn they_live_through_everything_that_a_keyring_does() {
    let region = region();
    let mut keys = filled(&region);
    let all = standing(&keys);
    let works: Vec<bool> = all.iter().map(|(_, computed)| computed.is_some()).collect();
    assert_eq!(works, [false, false, true, true, false], "transport keys are not loaded, nor destroyed ones");
    let imk = &all[3].0;
    assert_eq!((imk.optional.len(), imk.key_version.as_bytes()), (2, *b"17"));

    keys.rotate(&SystemRandom, KeyPurpose::Par, NOW).unwrap();
    keys.destroy(KeyPurpose::Par, KeyVersion::FIRST).unwrap();
    assert_eq!(standing(&read_back(&keys, &region, "correct")), all);
    keys.enclose_by_passphrase(&SystemRandom, &passphrase("another"), CHEAP).unwrap();
    let mut keys = read_back(&keys, &region, "another");
    assert_eq!(standing(&keys), all);
    let shares = keys.enclose_by_custodians(&SystemRandom, 2, 3).unwrap();
    let sealed = SealedKeyring::from_bytes(&keys.seal(&SystemRandom).unwrap().to_bytes()).unwrap();
    assert!(keys.is_sealed_as(&sealed));
    let Provider::Custodians(splitting) = sealed.provider() else { panic!("{:?}", sealed.provider()) };
    let mut gathering = Gathering::new(splitting.clone());
    shares.into_iter().skip(1).for_each(|share| gathering.give(share).unwrap());
    let key = gathering.key(&region).unwrap().unwrap();
    let opened = sealed.open_with(&region, &key).unwrap();
    assert_eq!(standing(&opened), all);
    // And they still open blocks: the transport keys are whole too.
    assert!(import(&mut keys, "cvk-2", &header(BlockVersion::B), &CVK).is_ok());
    assert!(!keys.is_sealed_as(&opened.seal(&SystemRandom).unwrap()), "one key more is another keyring");
}

#[test]
fn no_flipped_bit_and_no_other_length_opens() {
    let region = region();
    let mut keys = made(&region);
    let optional = with_optional(&[(b"LB", "x")]);
    import(&mut keys, "cvk", &Header { optional, ..header(BlockVersion::B) }, &CVK).unwrap();
    let wrapping = crate::crypto::LoadedKey::generate(&region, &SystemRandom).unwrap();
    keys.enclose_by_device(&SystemRandom, &wrapping, vec![7; 30]).unwrap();
    let bytes = keys.seal(&SystemRandom).unwrap().to_bytes();
    let open = |bytes: &[u8]| SealedKeyring::from_bytes(bytes)?.open_with(&region, &wrapping)?.load();
    assert!(open(&bytes).is_ok());
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&flipped).is_err(), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert!(open(&bytes[..length]).is_err(), "cut at {length}");
    }
    assert!(open(&[bytes.as_slice(), &[0]].concat()).is_err());
}

/// Each attribute is bound to its key, also where the seal of the file is not looked at.
#[test]
fn no_attribute_can_be_changed() {
    let region = region();
    let keys = filled(&region);
    let block = keys.imported[3].to_bytes();
    let open = |bytes: &[u8]| WrappedImport::from_bytes(bytes)?.unwrap(&keys.root, &region).map(drop);
    assert_eq!(open(&block), Ok(()));
    for bit in 0..block.len() * 8 {
        let mut flipped = block.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&flipped).is_err(), "bit {bit}");
    }
    assert_eq!(WrappedImport::from_bytes(&block).unwrap(), keys.imported[3]);
}

#[test]
fn what_a_header_says_must_fit() {
    let region = region();
    let mut keys = made(&region);
    let (plain, sixteen) = (header(BlockVersion::D), CVK.as_slice());
    let of = |usage: &[u8; 2]| KeyUsage::parse(*usage).unwrap();
    let component = KeyVersionNumber::parse(*b"c1").unwrap();
    let told_value = |text| Header { optional: with_optional(&[(b"KC", text)]), ..plain.clone() };
    let long = "x".repeat(MAX_OPTIONAL);
    let (tdes, aes) = (Algorithm::Tdes, Algorithm::Aes);
    let cases: Vec<(Header, &[u8], ImportError)> = vec![
        (Header { usage: of(b"P0"), ..plain.clone() }, sixteen, ImportError::Usage(of(b"P0"))),
        (Header { usage: of(b"E1"), ..plain.clone() }, sixteen, ImportError::Usage(of(b"E1"))),
        (Header { mode: ModeOfUse::Derive, ..plain.clone() }, sixteen, ImportError::Mode(ModeOfUse::Derive)),
        (
            Header { algorithm: aes, ..plain.clone() },
            sixteen,
            ImportError::Algorithm(KeyPurpose::CardVerification),
        ),
        (
            Header { algorithm: tdes, ..plain.clone() },
            &TDES,
            ImportError::Algorithm(KeyPurpose::CardVerification),
        ),
        (plain.clone(), &[1; 8], ImportError::Algorithm(KeyPurpose::CardVerification)),
        (Header { key_version: component, ..plain.clone() }, sixteen, ImportError::Component(component)),
        (Header { context: KeyContext::Storage, ..plain.clone() }, sixteen, ImportError::StorageOnly),
        (plain.clone(), &[7; 16], ImportError::Weak),
        (told_value("00000000"), sixteen, ImportError::CheckValue),
        (told_value("02"), sixteen, ImportError::CheckValue),
        (
            Header { optional: with_optional(&[(b"LB", &long)]), ..plain.clone() },
            sixteen,
            ImportError::OptionalBlocks,
        ),
    ];
    for (header, key, told) in cases {
        assert_eq!(import(&mut keys, "new", &header, key), Err(told), "{header:?}");
    }
    // A block that was changed is told to be that, whatever else is wrong with it.
    let mut text = block(&plain, sixteen).into_bytes();
    text[5] = b'P';
    let changed = keys.import(&SystemRandom, label("new"), &label("aes"), &text);
    assert_eq!(changed, Err(ImportError::Block(Tr31Error::NotAuthentic)));
    for (name, method, digits) in [("new", CheckMethod::Legacy, "00"), ("newer", CheckMethod::Cmac, "01")] {
        let told = CheckValue::of(KeyAlgorithm::Tdes2, method, sixteen).unwrap();
        let optional = with_optional(&[(b"KC", &format!("{digits}{told}"))]);
        assert!(import(&mut keys, name, &Header { optional, ..plain.clone() }, sixteen).is_ok());
    }
    // Ten characters stand before the text of a long block.
    let longest = Header { optional: with_optional(&[(b"LB", &long[10..])]), ..plain };
    assert!(import(&mut keys, "longest", &longest, sixteen).is_ok());
}

#[test]
fn components_make_a_key_of_each_purpose_and_of_no_native_one() {
    let region = region();
    let (mut keys, mut ids) = (made(&region), std::collections::HashSet::new());
    for (name, purpose, usage, mode) in [
        ("a", KeyPurpose::EmvIssuerMaster, "E0", ModeOfUse::Derive),
        ("b", KeyPurpose::CardVerification, "C0", ModeOfUse::GenerateVerify),
        ("c", KeyPurpose::KeyTransport, "K1", ModeOfUse::EncryptDecrypt),
    ] {
        let (components, check) = components(&region, KeyAlgorithm::Tdes2, &CVK);
        let made = keys.import_components(
            &SystemRandom,
            label(name),
            purpose,
            Exportability::No,
            &components,
            check,
        );
        let info = made.unwrap();
        assert_eq!((info.usage.to_string().as_str(), info.mode), (usage, mode));
        assert!(ids.insert(info.id), "an id twice");
    }
    for purpose in KeyPurpose::NATIVE {
        let (components, check) = components(&region, KeyAlgorithm::Tdes2, &CVK);
        let refused =
            keys.import_components(&SystemRandom, label("d"), purpose, Exportability::No, &components, check);
        assert_eq!(refused, Err(ImportError::Algorithm(purpose)));
    }
}

#[test]
fn the_transport_key_must_be_one_and_may_do_what_its_mode_says() {
    let region = region();
    let mut keys = filled(&region);
    let text = block(&header(BlockVersion::D), &CVK);
    let mut under =
        |name: &str| keys.import(&SystemRandom, label("new"), &label(name), text.as_bytes()).err();
    assert_eq!(under("cvk"), Some(ImportError::NotTransport));
    assert_eq!(under("old"), Some(ImportError::Unknown));
    assert_eq!(under("nobody"), Some(ImportError::Unknown));
    assert_eq!(under("tdes"), Some(ImportError::Block(Tr31Error::ProtectionKey(BlockVersion::D))));
    assert_eq!(under("aes"), None);
    // A transport key that comes in a block itself, one for each direction.
    let usage = KeyUsage::KEY_BLOCK_PROTECTION;
    let transport = Header { usage, algorithm: Algorithm::Aes, ..header(BlockVersion::D) };
    for (name, mode) in [("in", ModeOfUse::DecryptOnly), ("out", ModeOfUse::EncryptOnly)] {
        import(&mut keys, name, &Header { mode, ..transport.clone() }, &AES).unwrap();
    }
    let import = keys.import(&SystemRandom, label("x"), &label("out"), text.as_bytes());
    assert_eq!(import, Err(ImportError::TransportMode(ModeOfUse::EncryptOnly)));
    let export = keys.export(&SystemRandom, &label("cvk"), &label("in"));
    assert_eq!(export, Err(ImportError::TransportMode(ModeOfUse::DecryptOnly)));
    assert!(keys.export(&SystemRandom, &label("cvk"), &label("out")).is_ok());
    assert!(keys.import(&SystemRandom, label("x"), &label("in"), text.as_bytes()).is_ok());
}

#[test]
fn what_goes_out_is_what_came_in() {
    let region = region();
    let keys = filled(&region);
    let text = keys.export(&SystemRandom, &label("imk"), &label("aes")).unwrap();
    let block = Block::parse(text.as_bytes()).unwrap();
    let key = block.unwrap(ProtectionKey::new(KeyAlgorithm::Aes256, &AES).unwrap()).unwrap();
    assert_eq!(key.expose(), [0x33; 32]);
    let said = block.header();
    assert_eq!((said.version, said.usage.to_string().as_str()), (BlockVersion::D, "E0"));
    assert_eq!((said.mode, said.key_version.as_bytes()), (ModeOfUse::Derive, *b"17"));
    assert_eq!(said.exportability, Exportability::Trusted);
    // What told of the key that protected it before does not go along.
    assert_eq!(said.optional.kept(|_| true), with_optional(&[(b"LB", "issuer of cards")]));
    let under_tdes = keys.export(&SystemRandom, &label("cvk"), &label("tdes")).unwrap();
    assert!(under_tdes.starts_with('B') && block_opens(&under_tdes));
}

fn block_opens(text: &str) -> bool {
    let protection = ProtectionKey::new(KeyAlgorithm::Tdes3, &TDES).unwrap();
    Block::parse(text.as_bytes()).unwrap().unwrap(protection).unwrap().expose() == CVK
}

#[test]
fn what_may_not_leave_stays() {
    let region = region();
    let mut keys = filled(&region);
    for (name, exportability) in [
        ("stays", Exportability::No),
        ("sensitive", Exportability::Sensitive),
        ("trusted", Exportability::Trusted),
    ] {
        import(&mut keys, name, &Header { exportability, ..header(BlockVersion::D) }, &CVK).unwrap();
    }
    let (usage, algorithm, mode) = (KeyUsage::KEY_ENCRYPTION, Algorithm::Aes, ModeOfUse::EncryptDecrypt);
    import(&mut keys, "k0", &Header { usage, algorithm, mode, ..header(BlockVersion::D) }, &AES).unwrap();
    let export = |name: &str, under: &str| keys.export(&SystemRandom, &label(name), &label(under)).err();
    for under in ["aes", "k0"] {
        assert_eq!(export("stays", under), Some(ImportError::NotExportable));
        assert_eq!(export("trusted", under), None);
    }
    assert_eq!(export("sensitive", "k0"), Some(ImportError::NotTrusted));
    assert_eq!(export("sensitive", "aes"), None);
    assert_eq!(export("imk", "tdes"), Some(ImportError::Weaker));
    assert_eq!(export("old", "aes"), Some(ImportError::Unknown));
    assert_eq!(export("cvk", "imk"), Some(ImportError::NotTransport));
}

#[test]
fn a_weaker_key_brings_none_that_is_stronger() {
    let region = region();
    let mut keys = made(&region);
    let (usage, mode) = (KeyUsage::KEY_BLOCK_PROTECTION, ModeOfUse::EncryptDecrypt);
    let transport = Header { usage, mode, algorithm: Algorithm::Aes, ..header(BlockVersion::B) };
    assert_eq!(import(&mut keys, "new", &transport, &AES), Err(ImportError::Weaker));
    assert!(import(&mut keys, "new", &Header { version: BlockVersion::D, ..transport }, &AES).is_ok());
}

#[test]
fn a_label_is_given_once_and_a_destroyed_key_is_gone() {
    let region = region();
    let mut keys = filled(&region);
    for name in ["cvk", "aes", "old"] {
        assert_eq!(import(&mut keys, name, &header(BlockVersion::D), &CVK), Err(ImportError::LabelTaken));
    }
    let held = keys.export(&SystemRandom, &label("cvk"), &label("aes"));
    assert!(held.is_ok() && keys.load().unwrap().imported("cvk").is_some());
    keys.destroy_imported(&label("cvk")).unwrap();
    assert_eq!(keys.destroy_imported(&label("cvk")), Err(ImportError::Unknown));
    let keys = read_back(&keys, &region, "correct");
    assert!(keys.load().unwrap().imported("cvk").is_none());
    let left = keys.imported.iter().find(|key| key.info().label == label("cvk")).unwrap();
    assert!(left.to_bytes().ends_with(&[0; 60]));
    assert!(left.unwrap(&keys.root, &region).is_err());
    assert_eq!(keys.imported_infos().filter(|info| info.state == KeyState::Destroyed).count(), 2);
}

#[test]
fn there_is_room_for_so_many_and_for_all_of_them_in_locked_memory() {
    let region = region();
    let mut keys = made(&region);
    let free = region.free_slots();
    let usage = KeyUsage::EMV_APPLICATION_CRYPTOGRAMS;
    let imk = Header { usage, algorithm: Algorithm::Aes, mode: ModeOfUse::Derive, ..header(BlockVersion::D) };
    for nth in 2..MAX_IMPORTED {
        import(&mut keys, &format!("imk-{nth}"), &imk, &[u8::try_from(nth).unwrap(); 32]).unwrap();
    }
    assert_eq!(import(&mut keys, "one-more", &imk, &[0x77; 32]), Err(ImportError::TooMany));
    let loaded = keys.load().unwrap();
    for nth in 2..MAX_IMPORTED {
        let key = loaded.imported(&format!("imk-{nth}")).unwrap();
        let LoadedCipher::Aes(cipher) = key.cipher() else { panic!("{:?}", key.cipher()) };
        let passing = crate::crypto::Aes::new(&[u8::try_from(nth).unwrap(); 32]).unwrap();
        let (mut held, mut own) = ([1; AES_BLOCK], [1; AES_BLOCK]);
        cipher.get().encrypt(&mut held);
        passing.encrypt(&mut own);
        assert_eq!(held, own);
    }
    drop(loaded);
    let native = keys.load_native().unwrap();
    assert!(native.imported("imk-2").is_none() && region.free_slots() + 3 * native.infos().len() >= free);
    drop(native);
    assert_eq!(region.free_slots(), free, "a slot was not given back");
    keys.destroy_imported(&label("imk-5")).unwrap();
    assert!(import(&mut keys, "one-more", &imk, &[0x77; 32]).is_ok());
}

/// A purpose of imported keys is no native one: no key is made for it, and no native block
/// can say that it is for it.
#[test]
fn no_native_key_is_for_the_purposes_of_imported_ones() {
    let region = region();
    let mut keys = made(&region);
    let native = keys.keys[0].to_block();
    for purpose in [KeyPurpose::EmvIssuerMaster, KeyPurpose::CardVerification, KeyPurpose::KeyTransport] {
        assert_eq!(keys.rotate(&SystemRandom, purpose, NOW), Err(KeyError::Imported(purpose)));
        let mut block = native;
        block[17] = purpose.number();
        let read = crate::keys::WrappedKey::from_block(&block);
        assert_eq!(read, Err(KeyError::Field("purpose")));
    }
}

#[test]
fn components_make_what_they_are_said_to_make() {
    let region = region();
    let mut keys = made(&region);
    let (two, check) = components(&region, KeyAlgorithm::Tdes2, &CVK);
    let mut import = |purpose, check| {
        let export = Exportability::No;
        keys.import_components(&SystemRandom, label("new"), purpose, export, &two, check)
    };
    let wrong = CheckValue::parse("000000").unwrap();
    assert_eq!(import(KeyPurpose::CardVerification, wrong), Err(ImportError::CheckValue));
    assert_eq!(import(KeyPurpose::Par, check), Err(ImportError::Algorithm(KeyPurpose::Par)));
    let info = import(KeyPurpose::CardVerification, check).unwrap();
    assert_eq!(
        (info.usage.to_string().as_str(), info.mode, info.may_generate()),
        ("C0", ModeOfUse::GenerateVerify, true)
    );
    let (three, check) = components(&region, KeyAlgorithm::Tdes3, &TDES);
    let export = Exportability::No;
    let purpose = KeyPurpose::EmvIssuerMaster;
    let told = keys.import_components(&SystemRandom, label("imk"), purpose, export, &three, check);
    assert_eq!(told, Err(ImportError::Algorithm(purpose)));
}
