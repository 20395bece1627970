//! Seeds of what clients ask beside the tokens' own operations: EMV cards, card values, held
//! cards and entry sessions, dual control, custody, backups.

use tallystick::command::{
    CardSource, ChangeStatus, Command, EmvAnswer, EmvArpc, EmvCard, EmvIssue, EmvVerify, EnterCard, HoldCard,
    Issue, IssueShort, LinkPar, MakeCardValue, OpenEntry, Provision, Renew, VerifyCardValue,
};
use tallystick::crypto::{Aes, Tdes};
use tallystick::cryptogram::card_value::card_value;
use tallystick::cryptogram::emv::{Card, Input, IssuerMaster};
use tallystick::fuzzing::{HANDLE, IMPORTED_KEY};
use tallystick::types::emv::{Arqc, Method, Psn, Tag};
use tallystick::types::{
    CardHandle, CardValueKind, DateOrder, EntrySeconds, EntrySession, Expiry, HoldSeconds, IdempotencyKey,
    KeyLabel, Pan, StatusEvent, Transaction,
};
use tallystick::wire::{FrameWriter, Hello, LENGTH, Opcode, encode_command};

use crate::emv::transaction;
use crate::support::{self, card, trid};
use crate::{HEADER, doc};

/// Whole conversations, of an operation each and of groups of them.
pub fn connections() -> Vec<(String, Vec<u8>)> {
    let mut seeds = Vec::new();
    let field = [emv(), values(), cards()].concat();
    for (at, (opcode, body)) in field.iter().enumerate() {
        // Only what was issued is verified.
        let alone = [(*opcode, body.clone())];
        let asked = if *opcode == Opcode::EmvVerify { &field[..=at] } else { &alone };
        seeds.push((opcode.name().to_owned(), conversation(asked)));
    }
    seeds.push(("field".to_owned(), conversation(&field)));
    seeds.push(("aes".to_owned(), conversation(&emv_of("imk-aes", "c-common-cmac"))));
    seeds.push(("held".to_owned(), conversation(&held())));
    seeds.push(("saved".to_owned(), conversation(&saved())));
    for (name, wanted) in [
        ("control", (|opcode| opcode.is_control()) as fn(Opcode) -> bool),
        ("custody", |opcode| opcode.is_custody()),
        ("backup", |opcode| matches!(opcode, Opcode::BackupBegin | Opcode::BackupNext)),
    ] {
        seeds.push((name.to_owned(), conversation(&examples(wanted))));
    }
    seeds
}

type Asked = (Opcode, Vec<u8>);

/// The examples of `docs/WIRE.md`.
fn examples(wanted: fn(Opcode) -> bool) -> Vec<Asked> {
    let requests = doc::examples().into_iter().filter(|example| example.is_request);
    let asked = requests.map(|example| {
        let opcode = Opcode::ALL.iter().find(|opcode| opcode.name() == example.opcode).unwrap();
        (*opcode, example.bytes[LENGTH + HEADER..].to_vec())
    });
    asked.filter(|(opcode, _)| wanted(*opcode)).collect()
}

fn conversation(asked: &[Asked]) -> Vec<u8> {
    let (mut stream, mut hello) = (Vec::new(), Vec::new());
    Hello::ours("seed").encode(&mut hello);
    for (id, (opcode, body)) in (1..).zip([(Opcode::Hello, hello)].iter().chain(asked)) {
        let frame = FrameWriter::begin(&mut stream, opcode.number(), 0, id);
        stream.extend_from_slice(body);
        frame.finish(&mut stream);
    }
    stream
}

fn asked(command: &Command<'_>) -> Asked {
    let mut body = Vec::new();
    // No key: what is asked for again is done again.
    encode_command(&mut body, command, None::<IdempotencyKey>);
    (Opcode::of(command.operation()), body)
}

fn pan() -> Pan {
    Pan::parse(support::PAN).unwrap()
}

fn expiry() -> Expiry {
    Expiry::parse(b"4912").unwrap()
}

fn emv() -> Vec<Asked> {
    emv_of("imk-visa", "visa-cvn10")
}

/// Issued, verified under the first counter with a cryptogram that is right, answered.
fn emv_of(key: &str, method: &str) -> Vec<Asked> {
    let atc = 1;
    let (key, method) = (KeyLabel::parse(key).unwrap(), Method::parse(method).unwrap());
    let card = |atc| {
        let mut data = transaction(atc);
        data.set(Tag::IssuerApplicationData, &[6, 1, 10, 3, 0xa0, 0, 0]).unwrap();
        EmvCard { key, pan: pan(), psn: Psn::NONE, method, data, text: None }
    };
    let arqc = arqc(&card(Some(atc)));
    let code = || EmvAnswer::Code(*b"00");
    let status = || EmvAnswer::Status { csu: [0x82, 0x56, 0x8b, 0x96], proprietary: vec![1, 2] };
    let answer = || if matches!(method, Method::Profile(_)) { code() } else { status() };
    let verify = EmvVerify { card: card(Some(atc)), arqc, answer: Some(answer()) };
    vec![
        asked(&Command::EmvIssue(Box::new(EmvIssue(card(None))))),
        asked(&Command::EmvVerify(Box::new(verify))),
        asked(&Command::EmvArpc(Box::new(EmvArpc { card: card(Some(atc)), arqc, answer: answer() }))),
    ]
}

fn arqc(card: &EmvCard) -> Arqc {
    let (tdes, aes) = (Tdes::new(&IMPORTED_KEY).unwrap(), Aes::new(&IMPORTED_KEY).unwrap());
    let is_aes = card.key.as_str() == "imk-aes";
    let issuer = if is_aes { IssuerMaster::Aes(&aes) } else { IssuerMaster::Tdes(&tdes) };
    let input = Input::Tags { data: &card.data, results: None, counters: None };
    card.method.arqc(issuer, Card { pan: &card.pan, psn: card.psn }, &input).unwrap()
}

fn values() -> Vec<Asked> {
    let (key, kind, order) =
        (KeyLabel::parse("cvk-1").unwrap(), CardValueKind::Printed, DateOrder::MonthYear);
    let of = || MakeCardValue { key, pan: pan(), expiry: expiry(), kind, order };
    let value = card_value(&Tdes::new(&IMPORTED_KEY).unwrap(), &pan(), expiry(), order, kind).unwrap();
    vec![
        asked(&Command::MakeCardValue(Box::new(of()))),
        asked(&Command::VerifyCardValue(Box::new(VerifyCardValue { of: of(), value }))),
    ]
}

/// Held cards, and sessions; of those only the first can be right.
fn cards() -> Vec<Asked> {
    let seconds = HoldSeconds::new(1).unwrap();
    let session = EntrySession::from_bytes([7; EntrySession::LEN]);
    let ciphertext = &[9; EnterCard::CIPHERTEXT][..];
    vec![
        asked(&Command::HoldCard(Box::new(HoldCard { pan: pan(), expiry: expiry(), seconds }))),
        asked(&Command::ReleaseCard(CardHandle::from_bytes(HANDLE))),
        asked(&Command::OpenEntry(OpenEntry { seconds: EntrySeconds::new(60).unwrap() })),
        asked(&Command::EnterCard(EnterCard { session, ciphertext, seconds })),
        asked(&Command::CloseEntry(session)),
    ]
}

/// A card that is held is saved and then released.
fn held() -> Vec<Asked> {
    let handle = CardHandle::from_bytes(HANDLE);
    let held = Provision { card: CardSource::Held(handle), ..card(support::PAN, "4912") };
    vec![asked(&Command::Provision(Box::new(held))), asked(&Command::ReleaseCard(handle))]
}

/// What is asked of a token that is there.
fn saved() -> Vec<Asked> {
    let token = tallystick::fuzzing::token().unwrap();
    let issue = Issue { token, trid: trid(), transaction: Transaction::UNKNOWN };
    let change = |event| Command::ChangeStatus(ChangeStatus { token, provider: None, event });
    [
        Command::Show(token),
        Command::Issue(issue),
        Command::IssueShort(IssueShort(issue)),
        change(StatusEvent::Suspend),
        change(StatusEvent::Resume),
        Command::Renew(Renew { token, expiry: Expiry::parse(b"5012").unwrap() }),
        Command::LinkPar(LinkPar { pan: Pan::parse(b"5555555555554444").unwrap(), predecessor: token }),
        Command::Detokenize(token),
        Command::ClearShortLock(token),
    ]
    .iter()
    .map(asked)
    .collect()
}
