//! Work with keys of the field: every operation, with cards and transactions that are
//! right, wrong and replayed.

use std::os::unix::net::UnixStream;

use data_encoding::HEXLOWER;
use tallystick::client::Client;
use tallystick::command::{
    Command, EmvAnswer, EmvArpc, EmvCard, EmvIssue, EmvVerify, MakeCardValue, Refusal, Reply, VerifyCardValue,
};
use tallystick::types::emv::{Arqc, Atc, EmvData, Method, Psn, Tag};
use tallystick::types::{CardValue, CardValueKind, DateOrder, Expiry, Pan};
use tallystick::wire::Status;

use super::keys::label;
use crate::daemon::Daemon;

/// By which key and method cryptograms are made.
pub const METHODS: [(&str, &str); 7] = [
    ("imk-tdes", "visa-cvn10"),
    ("imk-tdes", "a-random-m2"),
    ("imk-tdes", "a-common-m2"),
    ("imk-tdes", "b-common-m1"),
    ("imk-tdes", "a-tree8x4-m2"),
    ("imk-back", "b-random-m2"),
    ("imk-aes", "c-common-cmac"),
];
pub const PSN: &str = "01";
pub const EXPIRY: &[u8; 4] = b"2912";
/// Requests of one connection, at most, about verification values.
pub const IDS: std::ops::Range<u8> = 1..64;

/// A transaction, as `tests/daemon/field.rs` has it.
const DATA: &str = "9f02060000000499009f03060000000000009f1a02035695050000000000\
    5f2a0203569a032611219c01009f37041a2b3c4d820219809f100706010a03a00000";

/// A cryptogram that was made: the card, the method's place in [`METHODS`], the counter.
pub struct Made {
    pub pan: String,
    pub method: usize,
    pub atc: Atc,
}

/// Has cryptograms made and verified for each card by each method; tells which.
pub fn transact(client: &mut Client<UnixStream>, pans: &[String]) -> Vec<Made> {
    let mut all = Vec::new();
    for pan in pans {
        for (method, (key, name)) in METHODS.iter().enumerate() {
            let card = |atc| card(pan, key, name, atc);
            let ask = Command::EmvIssue(Box::new(EmvIssue(card(None))));
            let Reply::EmvIssued(issued) = client.call(&ask, None).unwrap() else { panic!() };
            let atc = Atc::new(issued.atc.get().try_into().unwrap());
            let answer = || match *key {
                "imk-aes" => EmvAnswer::Status { csu: [0, 0x82, 0, 0], proprietary: Vec::new() },
                _ => EmvAnswer::Code(*b"00"),
            };
            let verify = |arqc: Arqc| {
                let answer = Some(answer());
                Command::EmvVerify(Box::new(EmvVerify { card: card(Some(atc)), arqc, answer }))
            };
            let Reply::EmvVerified(verified) = client.call(&verify(issued.arqc), None).unwrap() else {
                panic!()
            };
            assert!(verified.arpc.is_some());
            assert_eq!(status(client, &verify(issued.arqc)), Refusal::Replayed.into());
            let ask = EmvArpc { card: card(Some(atc)), arqc: issued.arqc, answer: answer() };
            client.call(&Command::EmvArpc(Box::new(ask)), None).unwrap();
            all.push(Made { pan: pan.clone(), method, atc });
        }
    }
    // The last of each, spoilt; a card bears some of these before it is locked.
    for made in all.iter().filter(|made| made.method % 3 == 0) {
        let (key, name) = METHODS[made.method];
        let card = card(&made.pan, key, name, Some(made.atc));
        let verify = EmvVerify { card, arqc: Arqc::from_bytes([7; 8]), answer: None };
        status(client, &Command::EmvVerify(Box::new(verify)));
    }
    all
}

/// Has verification values made and verified; tells the printed ones. Adds its
/// connections to those that stay open.
pub fn check_values(
    daemon: &Daemon,
    pans: &[String],
    open: &mut Vec<Client<UnixStream>>,
) -> Vec<(String, CardValue)> {
    let mut values = Vec::new();
    for pan in pans {
        // Of its own, so that ids are few.
        let mut client = daemon.client();
        for kind in
            [CardValueKind::Chip, CardValueKind::of_service_code(b"201").unwrap(), CardValueKind::Printed]
        {
            let of = || MakeCardValue {
                key: label("cvk"),
                pan: parsed(pan),
                expiry: Expiry::parse(EXPIRY).unwrap(),
                kind,
                order: DateOrder::YearMonth,
            };
            let ask = Command::MakeCardValue(Box::new(of()));
            let Reply::CardValue(value) = client.call(&ask, None).unwrap() else { panic!() };
            let digits = *value.as_bytes();
            let verify = |digits: &[u8]| {
                let value = CardValue::parse(digits).unwrap();
                Command::VerifyCardValue(Box::new(VerifyCardValue { of: of(), value }))
            };
            client.call(&verify(&digits), None).unwrap();
            let mut wrong = digits;
            wrong[2] ^= 1;
            assert_eq!(status(&mut client, &verify(&wrong)), Refusal::CardValueMismatch.into());
            if kind == CardValueKind::Printed {
                values.push((pan.clone(), value));
            }
        }
        open.push(client);
    }
    values
}

pub fn parsed(pan: &str) -> Pan {
    Pan::parse(pan.as_bytes()).unwrap()
}

/// What the transactions have.
pub fn data() -> EmvData {
    EmvData::parse(&HEXLOWER.decode(DATA.replace(' ', "").as_bytes()).unwrap()).unwrap()
}

fn card(pan: &str, key: &str, method: &str, atc: Option<Atc>) -> EmvCard {
    let mut data = data();
    if let Some(atc) = atc {
        data.set(Tag::TransactionCounter, &atc.to_bytes()).unwrap();
    }
    EmvCard {
        key: label(key),
        pan: parsed(pan),
        psn: Psn::parse(PSN.as_bytes()).unwrap(),
        method: Method::parse(method).unwrap(),
        data,
        text: None,
    }
}

fn status(client: &mut Client<UnixStream>, command: &Command<'_>) -> Status {
    client.call(command, None).unwrap_err().status().unwrap()
}
