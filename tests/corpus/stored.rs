//! Seeds of what is stored: what a database holds, and what is behind its MACs; anchors;
//! events of the audit log; files of cards.

use tallystick::audit;
use tallystick::command::{ChangeStatus, Command};
use tallystick::engine::Anchor;
use tallystick::store::{
    ChainHead, CounterMove, Epoch, GroupNumber, Load, PageKind, Record, Store, StoreError, StoredGroup,
    TokenRow, TokenSlot, journal,
};
use tallystick::types::{Atc, Cryptogram, KeyVersion, ShortValue, StatusEvent, TokenNumber, Transaction};

use crate::support::{self, Rig, card, trid};

/// Bytes of version and MAC behind what is stored.
const TRAILER: usize = 33;

/// What a store holds, as the items that the target `store` reads.
#[derive(Default)]
struct Items(Vec<u8>);

impl Items {
    fn put(&mut self, kind: u8, number: u16, content: &[u8]) {
        self.0.push(kind);
        self.0.extend_from_slice(&number.to_be_bytes());
        self.0.extend_from_slice(&u16::try_from(content.len()).unwrap().to_be_bytes());
        self.0.extend_from_slice(content);
    }
}

impl Load for Items {
    fn record(&mut self, record: Record) -> Result<(), StoreError> {
        let body = record.body.unwrap();
        let head = [u8::try_from(record.key.len()).unwrap(), u8::from(record.expires.is_some()) * 200];
        let content = [&head, record.key.as_slice(), &body[..body.len() - TRAILER]].concat();
        self.put(6, record.space.number().into(), &content);
        Ok(())
    }

    fn page(&mut self, kind: PageKind, number: u32, body: &[u8]) -> Result<(), StoreError> {
        self.put(kind.number() - 1, u16::try_from(number).unwrap(), body);
        Ok(())
    }

    fn token(&mut self, row: TokenRow) -> Result<(), StoreError> {
        let (slot, trid) = (row.slot.0.to_be_bytes(), row.trid.value().to_be_bytes());
        let body = &row.body[..row.body.len() - TRAILER];
        self.put(2, 0, &[&slot[..], &trid, &row.revision.to_be_bytes(), body].concat());
        Ok(())
    }

    fn journal(&mut self, group: StoredGroup<'_>) -> Result<(), StoreError> {
        let body = journal::JournalBody::decode(group.body).unwrap();
        let bytes = |one: CounterMove| [one.slot.0.to_be_bytes(), one.atc.get().to_be_bytes()].concat();
        let (issued, consumed): (Vec<_>, Vec<_>) =
            (body.issued().flat_map(bytes).collect(), body.consumed().flat_map(bytes).collect());
        self.put(3, 0, &issued);
        self.put(4, 0, &consumed);
        Ok(())
    }
}

/// An engine that has done a little of everything.
fn worked() -> Rig {
    let mut rig = Rig::new();
    let token = rig.provision();
    let cryptogram = rig.issue(token.token, Transaction::UNKNOWN).unwrap();
    rig.verify(&token, Transaction::UNKNOWN, cryptogram).unwrap();
    let mut forged = *cryptogram.as_bytes();
    forged[19] ^= 1;
    let forged = Cryptogram::from_slice(&forged).unwrap();
    rig.verify(&token, Transaction::UNKNOWN, forged).unwrap_err();
    let issue =
        tallystick::command::Issue { token: token.token, trid: trid(), transaction: Transaction::UNKNOWN };
    rig.run(Command::IssueShort(tallystick::command::IssueShort(issue))).unwrap();
    let wrong = ShortValue::parse(b"123").unwrap();
    let _ = rig.run(Command::VerifyShort(tallystick::command::VerifyShort {
        token: token.token,
        expiry: token.expiry,
        trid: trid(),
        transaction: Transaction::UNKNOWN,
        value: wrong,
    }));
    rig.run_keyed(b"key", b"body", Command::Provision(Box::new(card(support::PAN, "4912")))).unwrap();
    rig.run_keyed(
        b"other",
        b"body",
        Command::ChangeStatus(ChangeStatus {
            token: token.token,
            provider: None,
            event: StatusEvent::Suspend,
        }),
    )
    .unwrap();
    rig
}

/// Seeds of the target `store`.
pub fn store() -> Vec<(&'static str, Vec<u8>)> {
    let mut items = Items::default();
    worked().store.load(&mut items).unwrap();
    // A page of two tokens, and one of their counters, under a profile.
    let mut paged = Items::default();
    let mut profile = Items::default();
    let mut rig = Rig::new();
    let view = rig.provision();
    rig.store.load(&mut profile).unwrap();
    let mut token = Vec::new();
    for value in [view.token.value(), TokenNumber::parse(b"4895370012345671").unwrap().value()] {
        token.extend_from_slice(&value.to_be_bytes());
        token.extend_from_slice(&[0; 4]);
        token.extend_from_slice(&view.expiry.value().to_be_bytes());
        token.extend_from_slice(&[0, 1, 16, 1]);
    }
    let mut rows = profile.0;
    paged.0.append(&mut rows);
    let mut pages = Items::default();
    pages.0.clone_from(&paged.0);
    pages.put(0, 0, &token);
    pages.put(1, 0, &[[0, 0, 0, 9, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 3]; 2].concat());
    pages.put(3, 0, &[0, 0, 0, 0, 0, 0, 0, 12]);
    pages.put(7, 0, &[]);
    pages.put(4, 0, &[0, 0, 0, 0, 0, 0, 0, 11]);
    pages.put(5, 2, &[]);
    vec![("worked", items.0), ("one", paged.0), ("pages", pages.0)]
}

/// Rows of every table, as a backup has them.
pub fn rows() -> Vec<u8> {
    let integer = |number: i64| [&[1][..], &number.to_be_bytes()].concat();
    let blob = |bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        [&[2][..], &length, bytes].concat()
    };
    let marks = [0, 0, 0, 0, 0, 1];
    let moved = [CounterMove { slot: TokenSlot(0), atc: Atc::new(1).unwrap() }];
    let body = journal::encode(&moved, &moved, journal::Standing::default());
    let trid = i64::try_from(trid().value()).unwrap();
    [
        vec![1],
        [integer(1), integer(2), integer(1)].concat(),
        vec![2],
        [integer(1), integer(1), blob(&[0; 32]), blob(&[1; 32]), blob(&marks), blob(&body)].concat(),
        vec![2],
        [integer(2), integer(2), blob(&[1; 32]), blob(&[2; 32]), vec![0], blob(&body)].concat(),
        vec![3],
        [integer(1 << 32), blob(&[3; 18])].concat(),
        vec![3],
        [integer(2 << 32), blob(&[4; 16])].concat(),
        vec![4],
        [integer(0), integer(trid), integer(1), blob(&[5; 40])].concat(),
        vec![5],
        [integer(1), blob(b"key"), integer(1_900_000_000), blob(&[6; 40])].concat(),
        vec![5],
        [integer(4), blob(&[0; 4]), vec![0], blob(&[7; 40])].concat(),
    ]
    .concat()
}

/// Seeds of the target `anchor`.
pub fn anchors() -> Vec<(&'static str, Vec<u8>)> {
    let keyring = support::new_keys().load().unwrap();
    let head = ChainHead { number: GroupNumber(7), mac: [9; 32] };
    let anchor = Anchor { epoch: Epoch(3), head, token_key: KeyVersion::FIRST };
    let bytes = anchor.to_bytes(&keyring);
    let line = format!("{}\n", data_encoding::HEXLOWER.encode(&bytes));
    let mut fields = vec![5, 40, 1];
    fields.extend_from_slice(&[&3u64.to_be_bytes()[..], &7u64.to_be_bytes(), &bytes].concat());
    vec![
        ("none", b"none\n".to_vec()),
        ("answer", line.into_bytes()),
        ("blocks", [bytes, [0; 96]].concat()),
        ("fields", fields),
    ]
}

/// Events behind their lengths, from the records of a log's file.
pub fn events(mut records: &[u8]) -> Vec<u8> {
    let mut events = vec![7, 100, 3];
    while let Some(record) = audit::Record::parse(records) {
        events.extend_from_slice(&u16::try_from(record.event.len()).unwrap().to_be_bytes());
        events.extend_from_slice(record.event);
        records = &records[record.size()..];
    }
    events
}

/// Seeds of the target `cards`.
pub fn cards() -> Vec<(&'static str, Vec<u8>)> {
    let plain =
        "\x07# cards\n4111111111111111,2912,pay_1,100222,PAR1\n\n \"6074820000000009\" , 3001,\"r\",5\n";
    let named = "\x00\u{feff}Expiry,\"PAN\",auth_reference\r\n2912,4111 1111 1111 1111,pay_1\r\n2913,4111111111111112,x";
    let long = format!("\u{40}pan,expiry\n{}\n4111111111111111,2912,r,,,\n", "9".repeat(1030));
    vec![
        ("plain", plain.into()),
        ("named", named.into()),
        ("long", long.into_bytes()),
        ("twice", b"\x01pan,pan\n".to_vec()),
    ]
}
