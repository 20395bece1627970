//! The answer to a card's cryptogram, asked for without consuming that.

use super::cards::{card, issue, label, of_chip, rig, verify};
use super::*;
use tallystick::command::{EmvAnswer, EmvArpc, EmvCard};
use tallystick::types::emv::{Arpc, Arqc, EmvData, Method};

const CODE: EmvAnswer = EmvAnswer::Code(*b"00");

fn answer_of(rig: &mut Rig, card: EmvCard, arqc: Arqc, answer: EmvAnswer) -> Result<Arpc, Refusal> {
    rig.run(Command::EmvArpc(Box::new(EmvArpc { card, arqc, answer }))).map(|reply| match reply {
        Reply::Arpc(arpc) => arpc,
        other => panic!("{other:?}"),
    })
}

fn answer(rig: &mut Rig, card: EmvCard, arqc: Arqc) -> Result<Arpc, Refusal> {
    answer_of(rig, card, arqc, CODE)
}

#[test]
fn a_right_cryptogram_is_answered_as_often_as_is_asked_and_consumes_nothing() {
    let mut rig = rig();
    let issued = issue(&mut rig, 0).unwrap();
    let newest = rig.receipt.newest();
    let answered = answer(&mut rig, card(0, Some(1)), issued.arqc).unwrap();
    assert_eq!(answer(&mut rig, card(0, Some(1)), issued.arqc), Ok(answered));
    assert_eq!(rig.receipt.newest(), newest, "nothing is written");
    let verified = verify(&mut rig, card(0, Some(1)), issued.arqc).unwrap();
    assert_eq!(verified.arpc, Some(answered));
    // Nor does it ask what was consumed, or whose chip counts by itself.
    assert_eq!(answer(&mut rig, card(0, Some(1)), issued.arqc), Ok(answered));
    let (chips, arqc) = of_chip(1, 900);
    assert!(answer(&mut rig, chips, arqc).is_ok());
    assert_eq!(issue(&mut rig, 1).unwrap().atc.get(), 1, "the chip was not seen");
}

/// With the answer to any block whatever, halves of session keys could be had: each is
/// the counter, a byte and zeros, encrypted under the card's key.
#[test]
fn no_block_of_ones_own_choosing_is_encrypted() {
    for method in ["a-none-m1", "a-none-m2", "b-none-m1", "visa-cvn10", "a-common-m2"] {
        let mut rig = rig();
        let method = Method::parse(method).unwrap();
        for half in [0xf0, 0x0f] {
            let block = Arqc::from_bytes([0, 1, half, 0, 0, 0, 0, 0]);
            let asked = EmvCard { method, ..card(0, Some(1)) };
            let told = answer_of(&mut rig, asked, block, EmvAnswer::Code([0, 0]));
            assert_eq!(told, Err(Refusal::BadMac), "{method}");
        }
    }
    let mut rig = rig();
    let issued = issue(&mut rig, 0).unwrap();
    let good = || card(0, Some(1));
    for other in [
        card(0, Some(2)),
        card(1, Some(1)),
        EmvCard { pan: Pan::parse(b"5555555555554444").unwrap(), ..good() },
        EmvCard { method: Method::parse("a-common-m2").unwrap(), ..good() },
    ] {
        assert_eq!(answer(&mut rig, other, issued.arqc), Err(Refusal::BadMac));
    }
    for (wrong, refusal) in [
        (EmvCard { key: label("imk-2"), ..good() }, Refusal::UnknownKey),
        (EmvCard { key: label("cvk"), ..good() }, Refusal::KeyPurpose),
        (EmvCard { data: EmvData::new(), ..good() }, Refusal::EmvData),
        (card(0, None), Refusal::EmvData),
    ] {
        assert_eq!(answer(&mut rig, wrong, issued.arqc), Err(refusal));
    }
}

#[test]
fn wrong_ones_are_misses_beside_those_of_verifications_and_outlive_a_crash() {
    let mut rig = rig();
    let issued = issue(&mut rig, 0).unwrap();
    for _ in 0..5 {
        let before = rig.receipt.newest();
        assert_eq!(answer(&mut rig, card(0, Some(1)), Arqc::from_bytes([0; 8])), Err(Refusal::BadMac));
        assert_eq!((rig.receipt.newest().0, rig.written), (before.0 + 1, 1));
        rig.restart();
        assert_eq!(verify(&mut rig, card(0, Some(1)), Arqc::from_bytes([0; 8])), Err(Refusal::BadMac));
    }
    assert_eq!(answer(&mut rig, card(0, Some(1)), issued.arqc), Err(Refusal::CardLocked));
    assert_eq!(verify(&mut rig, card(0, Some(1)), issued.arqc), Err(Refusal::CardLocked));
    // No reason is told apart by what it takes: a lock writes as a miss does.
    let before = rig.receipt.newest();
    rig.caller = Caller::new("shop", Roles::of(&[Role::Verifier]), None);
    assert_eq!(answer(&mut rig, card(0, Some(1)), issued.arqc), Err(Refusal::CardLocked));
    assert_eq!((rig.receipt.newest().0, rig.written), (before.0 + 1, 1));
    rig.now += 900;
    assert!(answer(&mut rig, card(0, Some(1)), issued.arqc).is_ok());
}

/// A miss that cannot be kept would be a guess for nothing.
#[test]
fn none_is_given_while_nothing_may_be_written() {
    let mut rig = rig();
    let issued = issue(&mut rig, 0).unwrap();
    rig.engine.close(Some(Refusal::StorageFull));
    for arqc in [issued.arqc, Arqc::from_bytes([0; 8])] {
        assert_eq!(answer(&mut rig, card(0, Some(1)), arqc), Err(Refusal::StorageFull));
    }
    rig.engine.close(None);
    assert!(answer(&mut rig, card(0, Some(1)), issued.arqc).is_ok());
}
