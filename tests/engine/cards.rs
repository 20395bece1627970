//! Application cryptograms and card verification values under imported keys.

use super::*;
use tallystick::command::{
    EmvAnswer, EmvCard, EmvIssue, EmvIssued, EmvVerified, EmvVerify, MakeCardValue, VerifyCardValue,
};
use tallystick::crypto::KeyAlgorithm;
use tallystick::keys::tr31::Exportability;
use tallystick::keys::{CheckMethod, CheckValue, Components, OpenKeyring};
use tallystick::secmem::Region;
use tallystick::types::emv::{Arqc, EmvData, Method, Psn, Tag};
use tallystick::types::{CardValue, CardValueKind, DateOrder, KeyLabel};

pub const IMK: &[u8] = b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10";
pub const IMK_AES: &[u8] = b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff";

pub fn label(text: &str) -> KeyLabel {
    KeyLabel::parse(text).unwrap()
}

/// Has a keyring hold a key of two components.
pub fn import(keys: &mut OpenKeyring, name: &str, purpose: KeyPurpose, algorithm: KeyAlgorithm, key: &[u8]) {
    let region = Region::new(8).unwrap();
    let check = |bytes: &[u8]| CheckValue::of(algorithm, CheckMethod::of(algorithm), bytes).unwrap();
    let mut components = Components::new(&region, algorithm).unwrap();
    let mask = vec![0x3c; key.len()];
    let other: Vec<u8> = key.iter().zip(&mask).map(|(key, mask)| key ^ mask).collect();
    components.give(&mask, check(&mask)).unwrap();
    components.give(&other, check(&other)).unwrap();
    let check = check(key);
    keys.import_components(&SystemRandom, label(name), purpose, Exportability::No, &components, check)
        .unwrap();
}

pub fn rig() -> Rig {
    rig_with(EngineLimits::default())
}

fn rig_with(limits: EngineLimits) -> Rig {
    let mut rig = Rig::with_limits(limits);
    import(&mut rig.keys, "imk", KeyPurpose::EmvIssuerMaster, KeyAlgorithm::Tdes2, IMK);
    import(&mut rig.keys, "imk-aes", KeyPurpose::EmvIssuerMaster, KeyAlgorithm::Aes128, IMK_AES);
    import(&mut rig.keys, "cvk", KeyPurpose::CardVerification, KeyAlgorithm::Tdes2, IMK);
    rig.reload_keys();
    rig
}

fn data(atc: Option<u32>) -> EmvData {
    let mut data = emv::transaction(atc.map(|atc| u16::try_from(atc).unwrap()));
    data.set(Tag::IssuerApplicationData, &[6, 1, 10, 3, 0xa0, 0, 0]).unwrap();
    data
}

/// A card with this sequence number.
pub fn card(psn: u8, atc: Option<u32>) -> EmvCard {
    EmvCard {
        key: label("imk"),
        pan: Pan::parse(PAN).unwrap(),
        psn: Psn::parse(format!("{psn:02}").as_bytes()).unwrap(),
        method: Method::parse("visa-cvn10").unwrap(),
        data: data(atc),
        text: None,
    }
}

pub fn issue(rig: &mut Rig, psn: u8) -> Result<EmvIssued, Refusal> {
    issue_of(rig, card(psn, None))
}

pub fn issue_of(rig: &mut Rig, card: EmvCard) -> Result<EmvIssued, Refusal> {
    rig.run(Command::EmvIssue(Box::new(EmvIssue(card)))).map(|reply| match reply {
        Reply::EmvIssued(issued) => issued,
        other => panic!("{other:?}"),
    })
}

pub fn verify(rig: &mut Rig, card: EmvCard, arqc: Arqc) -> Result<EmvVerified, Refusal> {
    let answer = Some(EmvAnswer::Code(*b"00"));
    rig.run(Command::EmvVerify(Box::new(EmvVerify { card, arqc, answer }))).map(|reply| match reply {
        Reply::EmvVerified(verified) => verified,
        other => panic!("{other:?}"),
    })
}

/// What a chip would send, which counts by itself: made by the library alone.
pub fn of_chip(psn: u8, atc: u32) -> (EmvCard, Arqc) {
    use tallystick::cryptogram::emv::{Card, Input};
    let card = card(psn, Some(atc));
    let region = Region::new(64).unwrap();
    let key = tallystick::crypto::LoadedCipher::load(&region, KeyAlgorithm::Tdes2, IMK).unwrap();
    let input = Input::Tags { data: &card.data, results: None, counters: None };
    let holder = Card { pan: &card.pan, psn: card.psn };
    let arqc = card.method.arqc((&key).into(), holder, &input).unwrap();
    (card, arqc)
}

#[test]
fn a_cards_cryptogram_is_accepted_once_and_never_again_not_even_after_a_crash() {
    let mut rig = rig();
    let [first, second] = [0; 2].map(|_| issue(&mut rig, 0).unwrap());
    assert_eq!((first.atc.get(), second.atc.get()), (1, 2));
    // What the engine makes is what a chip would.
    assert_eq!(of_chip(0, 2).1, second.arqc);
    let verified = verify(&mut rig, card(0, Some(1)), first.arqc).unwrap();
    assert_eq!((verified.atc.get(), verified.arpc.is_some()), (1, true));
    assert_eq!(verify(&mut rig, card(0, Some(1)), first.arqc), Err(Refusal::Replayed));
    rig.restart();
    assert_eq!(verify(&mut rig, card(0, Some(1)), first.arqc), Err(Refusal::Replayed));
    assert!(verify(&mut rig, card(0, Some(2)), second.arqc).is_ok());
    assert_eq!(issue(&mut rig, 0).unwrap().atc.get(), 3);
    // Another card of the same number counts by itself.
    assert_eq!(issue(&mut rig, 1).unwrap().atc.get(), 1);
}

#[test]
fn a_chips_counter_is_taken_as_it_comes_once() {
    let mut rig = rig();
    let (at_900, arqc) = of_chip(0, 900);
    assert_eq!(verify(&mut rig, at_900, arqc).unwrap().atc.get(), 900);
    for (atc, expected) in [
        (900, Err(Refusal::Replayed)),
        (835, Err(Refusal::BehindWindow)),
        (836, Ok(836)),
        (65_535, Ok(65_535)),
    ] {
        let (card, arqc) = of_chip(0, atc);
        assert_eq!(verify(&mut rig, card, arqc).map(|verified| verified.atc.get()), expected, "{atc}");
    }
    assert_eq!(issue(&mut rig, 0), Err(Refusal::CounterOfChip));
    // Of a card whose cryptograms are made here, none above the newest is taken.
    issue(&mut rig, 1).unwrap();
    let (card, arqc) = of_chip(1, 2);
    assert_eq!(verify(&mut rig, card, arqc), Err(Refusal::NeverIssued));
}

#[test]
fn no_changed_element_key_or_card_is_accepted() {
    let mut rig = rig();
    let issued = issue(&mut rig, 0).unwrap();
    let good = || card(0, Some(1));
    let mut other_amount = EmvData::new();
    for tag in Tag::ALL {
        let changed = [0, 0, 0, 4, 0x99, 1];
        let value = if tag == Tag::AmountAuthorised { Some(&changed[..]) } else { None };
        let kept = good().data;
        value.or(kept.get(tag)).into_iter().for_each(|value| other_amount.set(tag, value).unwrap());
    }
    let scheme = Method::parse("a-common-m2").unwrap();
    for other in [
        EmvCard { data: other_amount, ..good() },
        card(1, Some(1)),
        card(0, Some(2)),
        EmvCard { pan: Pan::parse(b"5555555555554444").unwrap(), ..good() },
        EmvCard { method: scheme, ..good() },
    ] {
        assert_eq!(verify(&mut rig, other, issued.arqc), Err(Refusal::BadMac));
    }
    for byte in 0..8 {
        let mut arqc = *issued.arqc.as_bytes();
        arqc[byte] ^= 1;
        assert!(verify(&mut rig, good(), Arqc::from_bytes(arqc)).is_err());
    }
}

#[test]
fn ten_wrong_cryptograms_lock_a_card_for_a_while_and_no_other() {
    let mut rig = rig();
    let [here, other] = [0, 1].map(|psn| issue(&mut rig, psn).unwrap());
    for _ in 0..10 {
        assert_eq!(verify(&mut rig, card(0, Some(1)), Arqc::from_bytes([0; 8])), Err(Refusal::BadMac));
    }
    assert_eq!(verify(&mut rig, card(0, Some(1)), here.arqc), Err(Refusal::CardLocked));
    rig.restart();
    assert_eq!(verify(&mut rig, card(0, Some(1)), here.arqc), Err(Refusal::CardLocked));
    assert!(verify(&mut rig, card(1, Some(1)), other.arqc).is_ok());
    rig.now += 900;
    assert!(verify(&mut rig, card(0, Some(1)), here.arqc).is_ok());
}

#[test]
fn an_aes_card_by_a_scheme() {
    let mut rig = rig();
    let aes = |atc| EmvCard {
        key: label("imk-aes"),
        method: Method::parse("c-common-cmac").unwrap(),
        ..card(0, atc)
    };
    let issued = issue_of(&mut rig, aes(None)).unwrap();
    let answer = Some(EmvAnswer::Status { csu: [0, 0x82, 0, 0], proprietary: vec![1, 2] });
    let asked = EmvVerify { card: aes(Some(1)), arqc: issued.arqc, answer };
    let Reply::EmvVerified(verified) = rig.run(Command::EmvVerify(Box::new(asked))).unwrap() else {
        panic!()
    };
    assert_eq!(verified.arpc.unwrap().as_bytes().len(), 4);
    // The same key by a scheme of TDES, or a TDES key by this one, is no key for it.
    for (key, method) in [("imk-aes", "a-common-m2"), ("imk", "c-common-cmac")] {
        let other = EmvCard { key: label(key), method: Method::parse(method).unwrap(), ..aes(None) };
        assert_eq!(issue_of(&mut rig, other), Err(Refusal::KeyPurpose));
    }
}

#[test]
fn what_cannot_be_made_takes_no_counter() {
    let mut rig = rig();
    for (wrong, refusal) in [
        (EmvCard { key: label("imk-2"), ..card(0, None) }, Refusal::UnknownKey),
        (EmvCard { key: label("cvk"), ..card(0, None) }, Refusal::KeyPurpose),
        (EmvCard { data: EmvData::new(), ..card(0, None) }, Refusal::EmvData),
        (card(0, Some(1)), Refusal::EmvData),
        (EmvCard { text: Some(vec![1]), ..card(0, None) }, Refusal::EmvData),
    ] {
        assert_eq!(issue_of(&mut rig, wrong), Err(refusal));
    }
    assert_eq!(issue(&mut rig, 0).unwrap().atc.get(), 1);
}

#[test]
fn a_card_too_many_is_refused_and_the_known_ones_go_on() {
    let mut rig = rig_with(EngineLimits { cards: 2, ..EngineLimits::default() });
    for psn in [0, 1] {
        issue(&mut rig, psn).unwrap();
    }
    assert_eq!(issue(&mut rig, 2), Err(Refusal::CardLimit));
    let (card, arqc) = of_chip(3, 7);
    assert_eq!(verify(&mut rig, card, arqc), Err(Refusal::CardLimit));
    assert_eq!(issue(&mut rig, 1).unwrap().atc.get(), 2);
}

/// As an operator does who goes on with an older copy.
#[test]
fn counters_that_may_have_been_issued_since_a_copy_was_made_are_skipped() {
    let mut rig = rig();
    assert_eq!(rig.engine.cards(), (0, 0));
    let old = [0, 1].map(|psn| issue(&mut rig, psn).unwrap());
    let (chips, arqc) = of_chip(2, 900);
    verify(&mut rig, chips, arqc).unwrap();
    assert_eq!(rig.engine.cards(), (3, 0));
    rig.engine.skip_card_counters(60_000);
    rig.commit().unwrap();
    for _ in 0..2 {
        assert_eq!(rig.engine.cards(), (3, 2));
        for (psn, old) in [0, 1].into_iter().zip(&old) {
            assert_eq!(verify(&mut rig, card(psn, Some(1)), old.arqc), Err(Refusal::BehindWindow));
        }
        rig.restart();
    }
    assert_eq!(issue(&mut rig, 0).unwrap().atc.get(), 60_002);
    // One that is not known may have issued as many.
    assert_eq!(issue(&mut rig, 3).unwrap().atc.get(), 60_001);
    let (chips, arqc) = of_chip(2, 901);
    assert!(verify(&mut rig, chips, arqc).is_ok());
}

#[test]
fn whoever_is_limited_to_requestors_has_no_key_of_another() {
    let mut rig = rig();
    rig.caller = Caller::new("one", Roles::of(&[Role::Issuer]), Some(&[trid()]));
    assert_eq!(issue(&mut rig, 0), Err(Refusal::TridNotAllowed));
}

fn value_of(kind: CardValueKind) -> MakeCardValue {
    MakeCardValue {
        key: label("cvk"),
        pan: Pan::parse(PAN).unwrap(),
        expiry: Expiry::parse(b"2912").unwrap(),
        kind,
        order: DateOrder::YearMonth,
    }
}

fn try_value(rig: &mut Rig, digits: &[u8]) -> Result<(), Refusal> {
    let value = CardValue::parse(digits).unwrap();
    let asked = VerifyCardValue { of: value_of(CardValueKind::Printed), value };
    rig.run(Command::VerifyCardValue(Box::new(asked))).map(drop)
}

#[test]
fn a_value_is_told_right_or_wrong_and_five_wrong_ones_lock_for_a_day() {
    let mut rig = rig();
    let make = |kind| Command::MakeCardValue(Box::new(value_of(kind)));
    let Reply::CardValue(right) = rig.run(make(CardValueKind::Printed)).unwrap() else { panic!() };
    let right = *right.as_bytes();
    let Reply::CardValue(chip) = rig.run(make(CardValueKind::Chip)).unwrap() else { panic!() };
    assert_ne!(*chip.as_bytes(), right, "each kind has its own");
    let wrong = [right[0], right[1], b'0' + (right[2] - b'0' + 1) % 10];
    for _ in 0..4 {
        assert_eq!(try_value(&mut rig, &wrong), Err(Refusal::CardValueMismatch));
    }
    assert_eq!(try_value(&mut rig, &right), Ok(()));
    // A right one between them does not help who guesses.
    assert_eq!(try_value(&mut rig, &wrong), Err(Refusal::CardValueMismatch));
    assert_eq!(try_value(&mut rig, &right), Err(Refusal::CardLocked));
    rig.restart();
    assert_eq!(try_value(&mut rig, &right), Err(Refusal::CardLocked));
    rig.now += 86_400;
    assert_eq!(try_value(&mut rig, &right), Ok(()));
}
