//! Cryptograms and answers of every profile and scheme. Known values are of `pyemv`.

use data_encoding::HEXLOWER;

use super::*;
use crate::crypto::{Aes, CryptoError, Tdes};
use crate::cryptogram::emv::{
    AcMac, DerivedKey, IccOption, Profile, Scheme, Session, TreeShape, common_tdes,
};
use crate::types::Pan;
use crate::types::emv::Psn;

const KEY: [u8; 16] = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10";
const ARQC: Arqc = Arqc::from_bytes([0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77]);
const CODE: Response<'_> = Response::Code(*b"00");
const STATUS: Response<'_> = Response::Status { csu: [0, 0x82, 0, 0], proprietary: &[1, 2] };

const KNOWN: [(Profile, &str, &str, &str); 7] = [
    (Profile::VisaCvn10, "06010a03a0b800", "c3c872939851f145", "50513dd8e7f64ef5"),
    (Profile::VisaCvn18, "06011203a0b800", "710e1c2c6ea3971a", "9fa7f40a"),
    (Profile::VisaCvn22, "1f220103a0b8000000000000000000000000", "9dc601dfd1df6e10", "9fa7f40a"),
    (
        Profile::MastercardCvn16,
        "0110a50003040000dac01122334455667788",
        "cb5759e755250be8",
        "50513dd8e7f64ef5",
    ),
    (
        Profile::MastercardCvn17,
        "0111a50003040000dac01122334455667788",
        "44fde1559a45daaa",
        "50513dd8e7f64ef5",
    ),
    (
        Profile::MastercardCvn20,
        "0114a50003040000dac01122334455667788",
        "19ce6ddf61672e07",
        "5166cfccd635ac21",
    ),
    (
        Profile::MastercardCvn21,
        "0115a50003040000dac01122334455667788",
        "cebe2183d3112437",
        "5166cfccd635ac21",
    ),
];

fn hex(text: &str) -> Vec<u8> {
    HEXLOWER.decode(text.as_bytes()).unwrap()
}

fn pan() -> Pan {
    Pan::parse(b"4111111111111111").unwrap()
}

fn card(pan: &Pan) -> Card<'_> {
    Card { pan, psn: Psn::parse(b"01").unwrap() }
}

fn data(issuer_data: &str) -> EmvData {
    let ber = "9f02060000000123459f03060000000000009f1a020356950580000480005f2a0203569a032611219c01009f3704\
        deadbeef820218009f36020107";
    let mut data = EmvData::parse(&hex(ber)).unwrap();
    if !issuer_data.is_empty() {
        data.set(Tag::IssuerApplicationData, &hex(issuer_data)).unwrap();
    }
    data
}

fn tags(data: &EmvData) -> Input<'_> {
    Input::Tags { data, results: None, counters: None }
}

#[test]
fn every_profile_makes_known_cryptograms_and_answers() {
    let (key, pan) = (Tdes::new(&KEY).unwrap(), pan());
    let issuer = IssuerMaster::Tdes(&key);
    for (profile, issuer_data, arqc, arpc) in KNOWN {
        let (method, data) = (Method::Profile(profile), data(issuer_data));
        let made = method.arqc(issuer, card(&pan), &tags(&data)).unwrap();
        assert_eq!(HEXLOWER.encode(made.as_bytes()), arqc, "{profile:?}");
        assert_eq!(method.verify(issuer, card(&pan), &tags(&data), &made), Ok(true));
        let session = (data.atc().unwrap(), data.unpredictable());
        let (right, wrong) = if profile.answers_by_status() { (STATUS, CODE) } else { (CODE, STATUS) };
        let answer = method.arpc(issuer, card(&pan), session, &ARQC, right).unwrap();
        assert_eq!(HEXLOWER.encode(answer.as_bytes()), arpc, "{profile:?}");
        assert_eq!(
            method.arpc(issuer, card(&pan), session, &ARQC, wrong),
            Err(EmvError::Response),
            "{profile:?}"
        );
    }
}

#[test]
fn a_changed_bit_anywhere_is_another_cryptogram() {
    let (key, pan) = (Tdes::new(&KEY).unwrap(), pan());
    let issuer = IssuerMaster::Tdes(&key);
    for (profile, issuer_data, arqc, _) in KNOWN {
        let method = Method::Profile(profile);
        let arqc = Arqc::from_bytes(hex(arqc).try_into().unwrap());
        let mut bytes = *arqc.as_bytes();
        for bit in 0..64 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let flipped = Arqc::from_bytes(bytes);
            let verdict = method.verify(issuer, card(&pan), &tags(&data(issuer_data)), &flipped);
            assert_eq!(verdict, Ok(false), "bit {bit}");
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        for tag in ELEMENTS {
            let mut other = EmvData::new();
            for same in Tag::ALL {
                let Some(value) = data(issuer_data).get(same).map(<[u8]>::to_vec) else { continue };
                let flip = u8::from(same == tag);
                let changed: Vec<u8> = value.iter().map(|byte| byte ^ flip).collect();
                other.set(same, &changed).unwrap();
            }
            assert_eq!(method.verify(issuer, card(&pan), &tags(&other), &arqc), Ok(false), "{tag:?}");
        }
        let other = Card { pan: &pan, psn: Psn::NONE };
        assert_eq!(method.verify(issuer, other, &tags(&data(issuer_data)), &arqc), Ok(false));
    }
}

/// Visa's later profiles cover all of the issuer data, so nothing is given in its place.
#[test]
fn what_covers_the_whole_issuer_data_takes_nothing_instead() {
    let (key, pan) = (Tdes::new(&KEY).unwrap(), pan());
    for profile in [Profile::VisaCvn18, Profile::VisaCvn22] {
        for results in [&[][..], &[1; 4], &[1; 6]] {
            let input = Input::Tags { data: &data(""), results: Some(results), counters: None };
            let made = Method::Profile(profile).arqc(IssuerMaster::Tdes(&key), card(&pan), &input);
            assert_eq!(made, Err(EmvError::Given), "{profile:?} {results:?}");
        }
    }
}

#[test]
fn sixteen_bytes_of_counters_are_covered_where_the_issuer_data_has_them() {
    let (key, pan) = (Tdes::new(&KEY).unwrap(), pan());
    let arqc = |data: &EmvData, results, counters| {
        let input = Input::Tags { data, results, counters };
        Method::Profile(Profile::MastercardCvn17).arqc(IssuerMaster::Tdes(&key), card(&pan), &input)
    };
    let head = "0111a50003040000dac0";
    let with = |counters: &str| arqc(&data(&format!("{head}{counters}")), None, None).unwrap();
    let (results, counters) = (hex("a50003040000"), hex("00112233445566778899aabbccddeeff"));
    let given = arqc(&data(""), Some(&results), Some(&counters)).unwrap();
    assert_eq!(with("00112233445566778899aabbccddeeff"), given);
    assert_eq!(with("00112233445566778899aabbccddeeff9988"), given);
    // One byte less, and it is eight.
    let eight = arqc(&data(""), Some(&results), Some(&counters[..8])).unwrap();
    assert_eq!(with("00112233445566778899aabbccddee"), eight);
}

#[test]
fn issuer_data_of_another_form_is_refused() {
    let (key, pan) = (Tdes::new(&KEY).unwrap(), pan());
    for (profile, wrong) in [
        // Of Mastercard's form, with its own version.
        (Profile::VisaCvn10, "010aa50003040000dac01122334455667788"),
        (Profile::VisaCvn10, "07010a03a0b800"),
        (Profile::VisaCvn10, "06010a03a0b8"),
        (Profile::VisaCvn10, "06011203a0b800"),
        (Profile::MastercardCvn16, "0111a50003040000"),
        (Profile::MastercardCvn16, "0110a500030400"),
        (Profile::MastercardCvn17, "0111a50003040000dac011223344556677"),
    ] {
        let data = data(wrong);
        let made = Method::Profile(profile).arqc(IssuerMaster::Tdes(&key), card(&pan), &tags(&data));
        assert_eq!(made, Err(EmvError::IssuerData), "{profile:?} {wrong}");
    }
}

#[test]
fn results_and_counters_may_be_given_instead() {
    let (key, pan) = (Tdes::new(&KEY).unwrap(), pan());
    let issuer = IssuerMaster::Tdes(&key);
    for (profile, issuer_data, arqc, _) in KNOWN {
        let all = hex(issuer_data);
        let (results, counters) = match profile {
            Profile::VisaCvn10 => (&all[3..7], None),
            Profile::VisaCvn18 | Profile::VisaCvn22 => continue,
            Profile::MastercardCvn16 | Profile::MastercardCvn20 => (&all[2..8], None),
            Profile::MastercardCvn17 | Profile::MastercardCvn21 => (&all[2..8], Some(&all[10..18])),
        };
        let arqc_of = |results, counters| {
            let input = Input::Tags { data: &data(""), results, counters };
            Method::Profile(profile).arqc(issuer, card(&pan), &input)
        };
        assert_eq!(arqc_of(Some(results), counters).unwrap().as_bytes().to_vec(), hex(arqc));
        assert_eq!(arqc_of(Some(&results[1..]), counters), Err(EmvError::Given));
        assert_eq!(arqc_of(None, counters.or(Some(&[0; 8]))), Err(EmvError::Given));
        let other = if counters.is_some() { None } else { Some(&[0; 8][..]) };
        assert_eq!(arqc_of(Some(results), other), Err(EmvError::Given));
        assert_eq!(arqc_of(None, None), Err(EmvError::Missing(Tag::IssuerApplicationData)));
    }
}

#[test]
fn issuer_data_of_another_version_or_form_is_refused() {
    let (key, pan) = (Tdes::new(&KEY).unwrap(), pan());
    let arqc = |profile, issuer_data: &str| {
        Method::Profile(profile).arqc(IssuerMaster::Tdes(&key), card(&pan), &tags(&data(issuer_data)))
    };
    for (profile, issuer_data, ..) in KNOWN {
        if matches!(profile, Profile::VisaCvn18 | Profile::VisaCvn22) {
            continue;
        }
        let mut other = hex(issuer_data);
        let place = other.iter().position(|byte| *byte == profile.cvn()).unwrap();
        other[place] += 2;
        assert_eq!(arqc(profile, &HEXLOWER.encode(&other)), Err(EmvError::IssuerData), "{profile:?}");
        assert_eq!(arqc(profile, &issuer_data[..12]), Err(EmvError::IssuerData), "{profile:?}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let (key, pan) = (Tdes::new(&KEY).unwrap(), pan());
    for tag in ELEMENTS {
        let mut some = EmvData::new();
        for other in ELEMENTS.into_iter().filter(|other| *other != tag) {
            some.set(other, data("").get(other).unwrap()).unwrap();
        }
        let arqc =
            Method::Profile(Profile::VisaCvn10).arqc(IssuerMaster::Tdes(&key), card(&pan), &tags(&some));
        assert_eq!(arqc, Err(EmvError::Missing(tag)));
    }
}

/// The values of `payment-kat.json`'s kind, computed from Annexes A1.2 to A1.4 with the
/// Python package `cryptography`.
#[test]
fn aes_cards_by_a_scheme() {
    let pan = pan();
    let scheme = Scheme { icc: IccOption::C, session: Session::Common, mac: AcMac::AesCmac };
    let text: Vec<u8> = (0..43).collect();
    let input = Input::Ordered { atc: Atc::new(0x0107), unpredictable: None, text: &text };
    for (length, arqc, arpc) in AES_KNOWN {
        let key: Vec<u8> = (0..length).collect();
        let key = Aes::new(&key).unwrap();
        let issuer = IssuerMaster::Aes(&key);
        let made = Method::Scheme(scheme).arqc(issuer, card(&pan), &input).unwrap();
        assert_eq!(HEXLOWER.encode(made.as_bytes()), arqc);
        let session = (Atc::new(0x0107), None);
        let answer = Method::Scheme(scheme).arpc(issuer, card(&pan), session, &ARQC, STATUS).unwrap();
        assert_eq!(HEXLOWER.encode(answer.as_bytes()), arpc);
        let refused = Method::Scheme(scheme).arpc(issuer, card(&pan), session, &ARQC, CODE);
        assert_eq!(refused, Err(EmvError::Algorithm));
    }
}

const AES_KNOWN: [(u8, &str, &str); 3] = [
    (16, "bf84972a666a7af9", "edb0af40"),
    (24, "a1b893259cacbcba", "57119f06"),
    (32, "0695c8cabb18c2f8", "4835e264"),
];

/// What is consumed is the counter: a cryptogram must be right under one only.
#[test]
fn every_method_holds_a_cryptogram_to_its_counter() {
    let (tdes, aes, pan) = (Tdes::new(&KEY).unwrap(), Aes::new(&KEY).unwrap(), pan());
    let (tdes, aes) = (IssuerMaster::Tdes(&tdes), IssuerMaster::Aes(&aes));
    let with = |atc: u16| {
        let mut other = EmvData::new();
        for tag in ELEMENTS.into_iter().filter(|tag| *tag != Tag::TransactionCounter) {
            other.set(tag, data("").get(tag).unwrap()).unwrap();
        }
        other.set(Tag::TransactionCounter, &atc.to_be_bytes()).unwrap();
        other
    };
    let tree = Session::Tree(TreeShape::new(8, 4).unwrap());
    for (issuer, icc, session, mac) in [
        (tdes, IccOption::A, Session::None, AcMac::Method1),
        (tdes, IccOption::A, Session::Common, AcMac::Method2),
        (tdes, IccOption::B, Session::CommonWithUnpredictable, AcMac::Method2),
        (tdes, IccOption::A, tree, AcMac::Method1),
        (aes, IccOption::C, Session::None, AcMac::AesCmac),
        (aes, IccOption::C, Session::Common, AcMac::AesCmac),
    ] {
        let method = Method::Scheme(Scheme { icc, session, mac });
        let by_tags = |atc| method.arqc(issuer, card(&pan), &tags(&with(atc)));
        let in_order = |atc| {
            let (atc, unpredictable) = (Atc::new(atc), data("").unpredictable());
            method.arqc(issuer, card(&pan), &Input::Ordered { atc, unpredictable, text: b"a text" })
        };
        let made = by_tags(7).unwrap();
        for atc in [0, 6, 8, 0x0700, 0xffff] {
            assert_ne!(by_tags(atc), Ok(made), "{method} {atc}");
        }
        if session == Session::None {
            assert_eq!(in_order(7), Err(EmvError::Input), "{method}");
            continue;
        }
        let made = in_order(7).unwrap();
        for atc in [0, 6, 8, 0x0700, 0xffff] {
            assert_ne!(in_order(atc), Ok(made), "{method} {atc}");
        }
    }
}

#[test]
fn a_key_of_another_cipher_is_refused() {
    let (tdes, aes, pan) = (Tdes::new(&KEY).unwrap(), Aes::new(&KEY).unwrap(), pan());
    let input = Input::Ordered { atc: Atc::new(1), unpredictable: None, text: b"text" };
    let common = Scheme { icc: IccOption::C, session: Session::Common, mac: AcMac::AesCmac };
    let arqc = |scheme, issuer| Method::Scheme(scheme).arqc(issuer, card(&pan), &input);
    let (tdes, aes) = (IssuerMaster::Tdes(&tdes), IssuerMaster::Aes(&aes));
    assert!(arqc(common, aes).is_ok());
    let iso = AcMac::Method2;
    let tree = Session::Tree(TreeShape::new(8, 4).unwrap());
    for (scheme, issuer) in [
        (common, tdes),
        (Scheme { icc: IccOption::A, ..common }, aes),
        (Scheme { icc: IccOption::B, ..common }, aes),
        (Scheme { mac: iso, ..common }, aes),
        (Scheme { icc: IccOption::A, ..common }, tdes),
        (Scheme { session: tree, ..common }, aes),
    ] {
        assert_eq!(arqc(scheme, issuer), Err(EmvError::Algorithm), "{scheme:?}");
    }
    let unpredictable = Scheme { session: Session::CommonWithUnpredictable, ..common };
    assert_eq!(arqc(unpredictable, aes), Err(EmvError::Unpredictable));
    // By tags it covers the elements of EMV Book 2, section 8.1.1, in order.
    let by_tags = |data: &EmvData| Method::Scheme(common).arqc(aes, card(&pan), &tags(data));
    let whole = data("");
    let ordered: Vec<u8> =
        ELEMENTS.iter().flat_map(|tag| whole.get(*tag).unwrap_or_default()).copied().collect();
    let issuer_data = whole.get(Tag::IssuerApplicationData).unwrap_or_default();
    let text = [ordered.as_slice(), issuer_data].concat();
    let input = Input::Ordered { atc: whole.atc().unwrap(), unpredictable: None, text: &text };
    assert_eq!(by_tags(&whole), Method::Scheme(common).arqc(aes, card(&pan), &input));
    assert_eq!(by_tags(&EmvData::new()), Err(EmvError::Missing(Tag::AmountAuthorised)));
    assert_eq!(Method::Profile(Profile::VisaCvn10).arqc(tdes, card(&pan), &input), Err(EmvError::Input));
}

#[test]
fn option_b_hashes_long_numbers() {
    let key = Tdes::new(&KEY).unwrap();
    for (digits, expected) in [
        (&b"4000000000000000105"[..], "a47097dcab671c940bba0b4ca11613a7"),
        (b"400000000000000002", "9e16163485fda8d343bac75e9d76d9c7"),
    ] {
        let pan = Pan::parse(digits).unwrap();
        let derived = IccOption::B.derive(IssuerMaster::Tdes(&key), card(&pan)).unwrap();
        assert_eq!(HEXLOWER.encode(derived.expose()), expected);
    }
    let pan = pan();
    let of = |option: IccOption| option.derive(IssuerMaster::Tdes(&key), card(&pan)).unwrap();
    assert_eq!(of(IccOption::A).expose(), of(IccOption::B).expose());
}

#[test]
fn trees_of_any_shape() {
    for (atc, height, branches, expected) in [
        (0x1234, 8, 4, "f86d23e3cb0e207361a107869446b9ea"),
        (0x1234, 16, 2, "f43e58c79d4ce0da7f970ddfa43ece68"),
        (0xffff, 4, 17, "efdfd552efa7fb75e0f27fe3e6c21f1a"),
    ] {
        let session = Session::Tree(TreeShape::new(height, branches).unwrap());
        let key = session.derive(DerivedKey::tdes(&KEY), Atc::new(atc), None).unwrap();
        assert_eq!(HEXLOWER.encode(key.expose()), expected);
    }
    for (height, branches) in [(0, 4), (7, 4), (15, 2), (20, 1), (20, 0), (33, 2)] {
        assert_eq!(TreeShape::new(height, branches), None, "{height} {branches}");
    }
}

#[test]
fn limits_of_answers_and_keys() {
    let key = DerivedKey::tdes(&KEY);
    assert!(arpc2(&key, &ARQC, [0; 4], &[0; 8]).is_ok());
    assert_eq!(arpc2(&key, &ARQC, [0; 4], &[0; 9]), Err(EmvError::Response));
    for length in (0..40).filter(|length| ![16, 24, 32].contains(length)) {
        let refused = DerivedKey::aes(&vec![0; length]).unwrap_err();
        assert_eq!(refused, EmvError::Crypto(CryptoError::KeyLength));
    }
    assert_eq!(common_tdes(&DerivedKey::aes(&KEY).unwrap(), [0; 8]).unwrap_err(), EmvError::Algorithm);
}
