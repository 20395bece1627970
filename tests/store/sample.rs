//! Groups to append, made by hand or at random.

use proptest::prelude::*;
use tallystick::store::journal::Standing;
use tallystick::store::{
    CounterMove, Epoch, Group, GroupNumber, Page, PageKind, Record, Space, TokenRow, TokenSlot, journal,
};
use tallystick::types::{Atc, Trid, UnixTime};

/// What a group holds, before it has a number.
#[derive(Debug, Clone, Default)]
pub struct Content {
    pub issued: Vec<CounterMove>,
    pub consumed: Vec<CounterMove>,
    pub tokens: Vec<TokenRow>,
    pub records: Vec<Record>,
    pub pages: Vec<Page>,
    pub keep: Keep,
}

/// Which groups are to be kept.
#[derive(Debug, Clone, Copy, Default)]
pub enum Keep {
    /// All.
    #[default]
    All,
    /// From so many before this one on.
    Back(u64),
    /// From a group on.
    From(u64),
}

impl Content {
    pub fn group(&self, number: u64, epoch: Epoch) -> Group {
        let standing = Standing { pages: [number as u8; 32], ..Standing::default() };
        Group {
            number: GroupNumber(number),
            epoch,
            before: mac(number.wrapping_sub(1)),
            body: journal::encode(&self.issued, &self.consumed, standing),
            mac: mac(number),
            tokens: self.tokens.clone(),
            records: self.records.clone(),
            pages: self.pages.clone(),
            keep_from: GroupNumber(match self.keep {
                Keep::All => 0,
                Keep::Back(back) => number.saturating_sub(back),
                Keep::From(from) => from,
            }),
        }
    }
}

/// A different MAC for each group, zeros before the first; the store doesn't look at it.
pub fn mac(number: u64) -> [u8; 32] {
    let mut mac = [if number == 0 { 0 } else { 0xA5 }; 32];
    mac[..8].copy_from_slice(&number.to_be_bytes());
    mac
}

pub fn moved(slot: u32, atc: u32) -> CounterMove {
    CounterMove { slot: TokenSlot(slot), atc: Atc::new(atc).unwrap() }
}

pub fn token(slot: u32, trid: u64, revision: u16, body: &[u8]) -> TokenRow {
    TokenRow { slot: TokenSlot(slot), trid: trid_of(trid), revision, body: body.to_vec() }
}

pub fn trid_of(value: u64) -> Trid {
    Trid::from_value(value).unwrap()
}

pub fn page(kind: PageKind, number: u32, body: &[u8]) -> Page {
    Page { kind, number, body: body.to_vec() }
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
        tokens: vec![token(0, 7, 0, b"zero"), token(1, 8, 0, b"one")],
        records: vec![record(Space::Idempotency, b"key", Some(100), Some(b"reply"))],
        pages: vec![page(PageKind::Tokens, 0, b"two tokens"), page(PageKind::Counters, 0, b"counters")],
        keep: Keep::All,
    }
}

/// Random content over few enough slots, keys and pages that groups meet on them.
pub fn content() -> impl Strategy<Value = Content> {
    let moves = || prop::collection::vec((slot(), 1..150u32).prop_map(|(slot, atc)| moved(slot, atc)), 0..12);
    let tokens = prop::collection::vec(
        (slot(), 0..3u64, any::<u16>(), body())
            .prop_map(|(slot, trid, revision, body)| token(slot, trid, revision, &body)),
        0..4,
    );
    let records = prop::collection::vec(any_record(), 0..4);
    let pages = prop::collection::vec(any_page(), 0..3);
    (moves(), moves(), tokens, records, pages, keep()).prop_map(
        |(issued, consumed, tokens, records, pages, keep)| Content {
            issued,
            consumed,
            tokens,
            records,
            pages,
            keep,
        },
    )
}

fn slot() -> impl Strategy<Value = u32> {
    prop::sample::select(vec![0, 1, 2, 1023, 1024, 5000, u32::MAX])
}

/// Mostly small, now and then more than fits one page of SQLite's.
fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        9 => prop::collection::vec(any::<u8>(), 0..40),
        1 => prop::collection::vec(any::<u8>(), 3000..10_000),
    ]
}

fn any_record() -> impl Strategy<Value = Record> {
    let body = prop::option::weighted(0.7, body());
    (0..4usize, 0..4u8, prop::option::of(0..60u64), body).prop_map(|(space, key, expires, body)| {
        record(Space::ALL[space], &vec![key; usize::from(key)], expires, body.as_deref())
    })
}

fn any_page() -> impl Strategy<Value = Page> {
    let number = prop::sample::select(vec![0, 1, 2, 300, u32::MAX]);
    (prop::sample::select(PageKind::ALL.to_vec()), number, body())
        .prop_map(|(kind, number, body)| page(kind, number, &body))
}

fn keep() -> impl Strategy<Value = Keep> {
    prop_oneof![
        Just(Keep::All),
        (0..12u64).prop_map(Keep::Back),
        (0..40u64).prop_map(Keep::From),
        Just(Keep::From(u64::MAX)),
    ]
}
