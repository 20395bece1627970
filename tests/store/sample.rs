//! Groups to append, made by hand or at random.

use proptest::prelude::*;
use tallystick::store::{
    ChainHead, CounterMove, Epoch, Group, GroupNumber, Record, Space, TokenRow, TokenSlot, journal,
};
use tallystick::types::{Atc, Trid, UnixTime};

/// What a group holds, before it has a number.
#[derive(Debug, Clone, Default)]
pub struct Content {
    pub issued: Vec<CounterMove>,
    pub consumed: Vec<CounterMove>,
    pub tokens: Vec<TokenRow>,
    pub records: Vec<Record>,
}

impl Content {
    pub fn group(&self, number: u64, epoch: Epoch) -> Group {
        Group {
            number: GroupNumber(number),
            epoch,
            body: journal::encode(&self.issued, &self.consumed, [number as u8; 32]),
            mac: mac(number),
            tokens: self.tokens.clone(),
            records: self.records.clone(),
        }
    }
}

/// A different MAC for each group; the store doesn't look at it.
pub fn mac(number: u64) -> [u8; 32] {
    let mut mac = [0xA5; 32];
    mac[..8].copy_from_slice(&number.to_be_bytes());
    mac
}

pub fn head(number: u64) -> ChainHead {
    ChainHead { number: GroupNumber(number), mac: mac(number) }
}

pub fn moved(slot: u32, atc: u32) -> CounterMove {
    CounterMove { slot: TokenSlot(slot), atc: Atc::new(atc).unwrap() }
}

pub fn token(slot: u32, trid: u64, body: &[u8]) -> TokenRow {
    TokenRow { slot: TokenSlot(slot), trid: trid_of(trid), body: body.to_vec() }
}

pub fn trid_of(value: u64) -> Trid {
    Trid::from_value(value).unwrap()
}

pub fn record(space: Space, key: &[u8], expires: Option<u64>, body: Option<&[u8]>) -> Record {
    Record {
        space,
        key: key.to_vec(),
        expires: expires.map(UnixTime::from_seconds),
        body: body.map(<[u8]>::to_vec),
    }
}

/// One of everything.
pub fn full() -> Content {
    Content {
        issued: vec![moved(0, 1), moved(1, 1)],
        consumed: vec![moved(0, 1)],
        tokens: vec![token(0, 7, b"zero"), token(1, 8, b"one")],
        records: vec![record(Space::Idempotency, b"key", Some(100), Some(b"reply"))],
    }
}

/// Random content over few enough slots and keys that groups meet on them.
pub fn content() -> impl Strategy<Value = Content> {
    let moves = || prop::collection::vec((slot(), 1..150u32).prop_map(|(slot, atc)| moved(slot, atc)), 0..12);
    let tokens = prop::collection::vec(
        (slot(), 0..3u64, prop::collection::vec(any::<u8>(), 0..40))
            .prop_map(|(slot, trid, body)| token(slot, trid, &body)),
        0..4,
    );
    let records = prop::collection::vec(any_record(), 0..4);
    (moves(), moves(), tokens, records).prop_map(|(issued, consumed, tokens, records)| Content {
        issued,
        consumed,
        tokens,
        records,
    })
}

fn slot() -> impl Strategy<Value = u32> {
    prop::sample::select(vec![0, 1, 2, 1023, 1024, 5000, u32::MAX])
}

fn any_record() -> impl Strategy<Value = Record> {
    let body = prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..40));
    (0..3usize, 0..4u8, prop::option::of(0..60u64), body).prop_map(|(space, key, expires, body)| {
        record(Space::ALL[space], &vec![key; usize::from(key)], expires, body.as_deref())
    })
}
