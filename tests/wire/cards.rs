//! Commands and replies about cards and imported keys, at random.

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;
use tallystick::command::{
    Command, EmvAnswer, EmvArpc, EmvCard, EmvIssue, EmvIssued, EmvVerified, EmvVerify, MakeCardValue, Reply,
    VerifyCardValue,
};
use tallystick::types::emv::{Arpc, Arqc, EmvData, Method, Psn, Tag};
use tallystick::types::{Atc, CardValue, CardValueKind, DateOrder, KeyLabel, ServiceCode};

use crate::strategies::{expiry, pan};

const METHODS: [&str; 9] = [
    "visa-cvn10",
    "visa-cvn18",
    "visa-cvn22",
    "mastercard-cvn16",
    "mastercard-cvn17",
    "mastercard-cvn20",
    "mastercard-cvn21",
    "c-common-cmac",
    "a-tree8x4-m1",
];

fn label() -> impl Strategy<Value = KeyLabel> {
    "[a-z0-9-]{1,32}".prop_map(|text| KeyLabel::parse(&text).unwrap())
}

fn data() -> impl Strategy<Value = EmvData> {
    let value = |tag: Tag| (Just(tag), of(vec(0..=9u8, tag.lengths())));
    Tag::ALL.into_iter().map(value).collect::<Vec<_>>().prop_map(|elements| {
        let mut data = EmvData::new();
        for (tag, value) in elements {
            value.into_iter().for_each(|value| data.set(tag, &value).unwrap());
        }
        data
    })
}

fn card() -> impl Strategy<Value = EmvCard> {
    let psn = (0..=99u8).prop_map(|psn| Psn::parse(format!("{psn:02}").as_bytes()).unwrap());
    let method = select(METHODS.to_vec()).prop_map(|name| Method::parse(name).unwrap());
    (label(), pan(), psn, method, data(), of(vec(any::<u8>(), 0..=512)))
        .prop_map(|(key, pan, psn, method, data, text)| EmvCard { key, pan, psn, method, data, text })
}

fn arqc() -> impl Strategy<Value = Arqc> {
    any::<[u8; 8]>().prop_map(Arqc::from_bytes)
}

fn arpc() -> impl Strategy<Value = Arpc> {
    prop_oneof![any::<[u8; 8]>().prop_map(Arpc::method1), any::<[u8; 4]>().prop_map(Arpc::method2)]
}

fn answer() -> impl Strategy<Value = EmvAnswer> {
    let status = (any::<[u8; 4]>(), vec(any::<u8>(), 0..=8))
        .prop_map(|(csu, proprietary)| EmvAnswer::Status { csu, proprietary });
    prop_oneof![any::<[u8; 2]>().prop_map(EmvAnswer::Code), status]
}

fn card_value() -> impl Strategy<Value = CardValue> {
    "[0-9]{3}".prop_map(|digits| CardValue::parse(digits.as_bytes()).unwrap())
}

fn make() -> impl Strategy<Value = MakeCardValue> {
    let stripe = "[1-8][0-9]{2}".prop_map(|code| ServiceCode::parse(code.as_bytes()).unwrap());
    let kind = prop_oneof![
        Just(CardValueKind::Printed),
        Just(CardValueKind::Chip),
        stripe.prop_map(CardValueKind::Stripe)
    ];
    let order = select(vec![DateOrder::YearMonth, DateOrder::MonthYear]);
    (label(), pan(), expiry(), kind, order).prop_map(|(key, pan, expiry, kind, order)| MakeCardValue {
        key,
        pan,
        expiry,
        kind,
        order,
    })
}

pub fn command() -> impl Strategy<Value = Command<'static>> {
    prop_oneof![
        card().prop_map(|card| Command::EmvIssue(Box::new(EmvIssue(card)))),
        (card(), arqc(), of(answer())).prop_map(|(card, arqc, answer)| {
            Command::EmvVerify(Box::new(EmvVerify { card, arqc, answer }))
        }),
        (card(), arqc(), answer())
            .prop_map(|(card, arqc, answer)| { Command::EmvArpc(Box::new(EmvArpc { card, arqc, answer })) }),
        make().prop_map(|of| Command::MakeCardValue(Box::new(of))),
        (make(), card_value())
            .prop_map(|(of, value)| Command::VerifyCardValue(Box::new(VerifyCardValue { of, value }))),
    ]
}

pub fn reply() -> impl Strategy<Value = Reply> {
    let atc = || (1..=0xffffu32).prop_map(|value| Atc::new(value).unwrap());
    prop_oneof![
        (atc(), arqc()).prop_map(|(atc, arqc)| Reply::EmvIssued(EmvIssued { atc, arqc })),
        (atc(), of(arpc())).prop_map(|(atc, arpc)| Reply::EmvVerified(EmvVerified { atc, arpc })),
        arpc().prop_map(Reply::Arpc),
        card_value().prop_map(Reply::CardValue),
        Just(()).prop_map(|()| Reply::CardValueVerified),
    ]
}

/// What the `Debug` of such a command does not show.
pub fn secrets_of(command: &Command<'_>) -> Vec<u8> {
    let of_card = |card: &EmvCard| [card.pan.expose_digits(), &card.data.to_ber()].concat();
    match command {
        Command::EmvIssue(issue) => of_card(&issue.0),
        Command::EmvVerify(verify) => [of_card(&verify.card), verify.arqc.as_bytes().to_vec()].concat(),
        Command::EmvArpc(arpc) => [of_card(&arpc.card), arpc.arqc.as_bytes().to_vec()].concat(),
        Command::MakeCardValue(of) => of.pan.expose_digits().to_vec(),
        Command::VerifyCardValue(verify) => [verify.of.pan.expose_digits(), verify.value.as_bytes()].concat(),
        _ => Vec::new(),
    }
}

/// What the `Debug` of such a reply does not show.
pub fn secrets_in(reply: &Reply) -> Vec<u8> {
    match reply {
        Reply::EmvIssued(issued) => issued.arqc.as_bytes().to_vec(),
        Reply::EmvVerified(verified) => {
            verified.arpc.map(|arpc| arpc.as_bytes().to_vec()).unwrap_or_default()
        }
        Reply::Arpc(arpc) => arpc.as_bytes().to_vec(),
        Reply::CardValue(value) => value.as_bytes().to_vec(),
        _ => Vec::new(),
    }
}
