//! Cards of the field: what an issuer's keys make of them, without the engine.

use crate::emv;
use tallystick::command::{EmvAnswer, EmvArpc, EmvCard, EmvIssue, EmvVerify, MakeCardValue, VerifyCardValue};
use tallystick::crypto::{KeyAlgorithm, KeyPurpose, Random, Tdes};
use tallystick::cryptogram::card_value::card_value;
use tallystick::cryptogram::emv::{Card, Input, IssuerMaster, Response};
use tallystick::keys::tr31::Exportability;
use tallystick::keys::{CheckMethod, CheckValue, Components, OpenKeyring};
use tallystick::secmem::Region;
use tallystick::types::emv::{Arqc, Method, Psn};
use tallystick::types::{CardValue, CardValueKind, DateOrder, Expiry, KeyLabel, Pan};

use crate::wish::{CardNumber, pan_digits};

/// The issuer's master key, and its card verification key.
const KEYS: [(&str, KeyPurpose, [u8; 16]); 2] = [
    (
        "imk",
        KeyPurpose::EmvIssuerMaster,
        *b"\x10\x32\x54\x76\x98\xba\xdc\xfe\x0f\x1e\x2d\x3c\x4b\x5a\x69\x78",
    ),
    (
        "cvk",
        KeyPurpose::CardVerification,
        *b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10",
    ),
];
const METHOD: &str = "a-common-m2";
/// What cards are answered.
const CODE: [u8; 2] = *b"00";
const EXPIRY: &[u8] = b"4912";

/// A card with a chip: its PAN and sequence number. From [`Chip::COUNTS`] on, the chips
/// count by themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chip {
    pub card: CardNumber,
    pub psn: u8,
}

/// Puts the issuer's keys into a keyring, each in two components.
pub fn import(keys: &mut OpenKeyring, region: &Region, random: &dyn Random) {
    for (name, purpose, key) in KEYS {
        let algorithm = KeyAlgorithm::Tdes2;
        let check = |bytes: &[u8]| CheckValue::of(algorithm, CheckMethod::of(algorithm), bytes).unwrap();
        let mut components = Components::new(region, algorithm).unwrap();
        for part in [[0x55; 16], key.map(|byte| byte ^ 0x55)] {
            components.give(&part, check(&part)).unwrap();
        }
        let label = KeyLabel::parse(name).unwrap();
        keys.import_components(random, label, purpose, Exportability::No, &components, check(&key)).unwrap();
    }
}

impl Chip {
    /// The first sequence number of those that count by themselves.
    pub const COUNTS: u8 = 8;

    /// Its cryptogram under a counter, as the chip makes it.
    pub fn arqc(self, atc: u16) -> [u8; 8] {
        let EmvCard { pan, psn, method, data, .. } = self.asked(Some(atc));
        let input = Input::Tags { data: &data, results: None, counters: None };
        let issuer = Tdes::new(&KEYS[0].2).unwrap();
        *method.arqc(IssuerMaster::Tdes(&issuer), Card { pan: &pan, psn }, &input).unwrap().as_bytes()
    }

    /// What it expects as the answer to a cryptogram of its own.
    pub fn arpc(self, atc: u16, arqc: [u8; 8]) -> Vec<u8> {
        let EmvCard { pan, psn, method, data, .. } = self.asked(Some(atc));
        let issuer = Tdes::new(&KEYS[0].2).unwrap();
        let (issuer, card) = (IssuerMaster::Tdes(&issuer), Card { pan: &pan, psn });
        let session = (data.atc().unwrap(), data.unpredictable());
        let arqc = Arqc::from_bytes(arqc);
        method.arpc(issuer, card, session, &arqc, Response::Code(CODE)).unwrap().as_bytes().to_vec()
    }

    pub fn issue(self) -> EmvIssue {
        EmvIssue(self.asked(None))
    }

    pub fn verify(self, atc: u16, arqc: [u8; 8]) -> EmvVerify {
        EmvVerify { card: self.asked(Some(atc)), arqc: Arqc::from_bytes(arqc), answer: None }
    }

    pub fn answer(self, atc: u16, arqc: [u8; 8]) -> EmvArpc {
        let answer = EmvAnswer::Code(CODE);
        EmvArpc { card: self.asked(Some(atc)), arqc: Arqc::from_bytes(arqc), answer }
    }

    /// Card, key and transaction, which is the same for all.
    fn asked(self, atc: Option<u16>) -> EmvCard {
        let data = emv::transaction(atc);
        EmvCard {
            key: KeyLabel::parse(KEYS[0].0).unwrap(),
            pan: Pan::parse(&pan_digits(self.card)).unwrap(),
            psn: Psn::parse(format!("{:02}", self.psn).as_bytes()).unwrap(),
            method: Method::parse(METHOD).unwrap(),
            data,
            text: None,
        }
    }
}

/// The printed verification value of a card.
pub fn value(card: CardNumber) -> [u8; CardValue::LEN] {
    let MakeCardValue { pan, expiry, order, kind, .. } = of(card);
    *card_value(&Tdes::new(&KEYS[1].2).unwrap(), &pan, expiry, order, kind).unwrap().as_bytes()
}

pub fn verify_value(card: CardNumber, digits: [u8; CardValue::LEN]) -> VerifyCardValue {
    VerifyCardValue { of: of(card), value: CardValue::parse(&digits).unwrap() }
}

fn of(card: CardNumber) -> MakeCardValue {
    MakeCardValue {
        key: KeyLabel::parse(KEYS[1].0).unwrap(),
        pan: Pan::parse(&pan_digits(card)).unwrap(),
        expiry: Expiry::parse(EXPIRY).unwrap(),
        kind: CardValueKind::Printed,
        order: DateOrder::YearMonth,
    }
}
