//! A store whose content was changed: what a start notices by itself, without an anchor.
// A start asks a store for nothing but what it holds.
#![allow(clippy::unimplemented)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tallystick::engine::{Engine, EngineError};
use tallystick::store::{
    CommitReceipt, Epoch, Group, GroupNumber, Load, PageKind, Record, Room, Space, Store, StoreError,
    StoredGroup, TokenRow, TokenSlot,
};

use super::*;

/// Everything that a store hands over.
#[derive(Clone, Default)]
struct Stored {
    records: Vec<Record>,
    tokens: Vec<(u32, Vec<u8>)>,
    rows: Vec<TokenRow>,
    counters: Vec<(u32, Vec<u8>)>,
    groups: Vec<Kept>,
}

#[derive(Clone)]
struct Kept {
    number: GroupNumber,
    epoch: Epoch,
    before: [u8; 32],
    marks: Vec<u8>,
    body: Vec<u8>,
    mac: [u8; 32],
}

impl Load for Stored {
    fn record(&mut self, record: Record) -> Result<(), StoreError> {
        self.records.push(record);
        Ok(())
    }

    fn page(&mut self, kind: PageKind, number: u32, body: &[u8]) -> Result<(), StoreError> {
        let pages = if kind == PageKind::Tokens { &mut self.tokens } else { &mut self.counters };
        pages.push((number, body.to_vec()));
        Ok(())
    }

    fn token(&mut self, row: TokenRow) -> Result<(), StoreError> {
        self.rows.push(row);
        Ok(())
    }

    fn journal(&mut self, group: StoredGroup<'_>) -> Result<(), StoreError> {
        let StoredGroup { number, epoch, before, marks, body, mac } = group;
        self.groups.push(Kept { number, epoch, before, marks: marks.to_vec(), body: body.to_vec(), mac });
        Ok(())
    }
}

/// A store that holds this, as a start sees it.
struct Changed(Stored);

impl Store for Changed {
    fn load(&mut self, sink: &mut dyn Load) -> Result<(), StoreError> {
        let Stored { records, tokens, rows, counters, groups } = &self.0;
        records.iter().try_for_each(|record| sink.record(record.clone()))?;
        tokens.iter().try_for_each(|(number, body)| sink.page(PageKind::Tokens, *number, body))?;
        sink.token_pages_end();
        rows.iter().try_for_each(|row| sink.token(row.clone()))?;
        counters.iter().try_for_each(|(number, body)| sink.page(PageKind::Counters, *number, body))?;
        groups.iter().try_for_each(|group| {
            let Kept { number, epoch, before, ref marks, ref body, mac } = *group;
            sink.journal(StoredGroup { number, epoch, before, marks, body, mac })
        })
    }

    fn epoch(&self) -> Epoch {
        Epoch(9)
    }

    fn anchored(&self) -> Epoch {
        Epoch(0)
    }

    fn set_anchored(&mut self) -> Result<(), StoreError> {
        unimplemented!()
    }

    fn outgrow(&mut self, _: Epoch) -> Result<(), StoreError> {
        unimplemented!()
    }

    fn receipt(&self) -> CommitReceipt {
        unimplemented!()
    }

    fn reserve(&mut self, _: Option<&Group>) -> Result<Room, StoreError> {
        unimplemented!()
    }

    fn append(&mut self, _: &Group) -> Result<CommitReceipt, StoreError> {
        unimplemented!()
    }

    fn token(&mut self, _: TokenSlot) -> Result<Option<TokenRow>, StoreError> {
        unimplemented!()
    }

    fn tokens_of(&mut self, _: Trid, _: Option<TokenSlot>, _: usize) -> Result<Vec<TokenRow>, StoreError> {
        unimplemented!()
    }

    fn tokens_after(&mut self, _: Option<TokenSlot>, _: usize) -> Result<Vec<TokenRow>, StoreError> {
        unimplemented!()
    }

    fn journal_bytes(&self) -> u64 {
        0
    }

    fn expire(&mut self, _: u64) -> Result<bool, StoreError> {
        unimplemented!()
    }
}

type Change = fn(&mut Stored);

const TOKENS: usize = 460;

/// Three pages of tokens, some of which only the journal has, with moved counters.
fn rig() -> (Rig, Vec<TokenNumber>) {
    let mut rig = Rig::with_limits(EngineLimits { journal_bytes: 200_000, ..EngineLimits::default() });
    let mut tokens = Vec::new();
    for at in 0..TOKENS {
        tokens.push(rig.provision().token);
        if at % 9 == 0 {
            rig.issue(tokens[at], paying(1)).unwrap();
        }
    }
    (rig, tokens)
}

fn stored(rig: &mut Rig) -> Stored {
    let mut stored = Stored::default();
    rig.store.load(&mut stored).unwrap();
    stored
}

fn start(rig: &Rig, stored: Stored) -> Result<usize, EngineError> {
    let now = UnixTime::from_seconds(rig.now);
    let engine = Engine::new(support::config(rig.limits));
    let opened = engine.unseal(Arc::clone(&rig.keyring), &mut Changed(stored), &[], now);
    opened.map(|(engine, _)| engine.token_count())
}

/// At any page, row, record or group: sealing does not wait for the whole of it.
#[test]
fn what_is_wanted_no_more_is_not_loaded_to_its_end() {
    let (mut rig, _) = rig();
    let held = stored(&mut rig);
    let asked = Arc::new(AtomicUsize::new(0));
    let open = |wanted: usize| {
        let asked = Arc::clone(&asked);
        let engine = Engine::new(support::config(rig.limits));
        let engine = engine.given_up_if(move || asked.fetch_add(1, Ordering::SeqCst) == wanted);
        let now = UnixTime::from_seconds(rig.now);
        let opened = engine.unseal(Arc::clone(&rig.keyring), &mut Changed(held.clone()), &[], now);
        opened.map(|(engine, _)| engine.token_count())
    };
    assert_eq!(open(usize::MAX).unwrap(), TOKENS);
    let pages = held.tokens.len() + held.counters.len();
    let all = held.records.len() + pages + held.rows.len() + held.groups.len();
    assert_eq!(asked.load(Ordering::SeqCst), all);
    for at in 0..all {
        asked.store(0, Ordering::SeqCst);
        let given_up = open(at);
        assert!(matches!(given_up, Err(EngineError::Store(StoreError::GivenUp))), "{at} of {all}");
        assert_eq!(asked.load(Ordering::SeqCst), at + 1);
    }
}

#[test]
fn pages_and_journal_give_every_token_and_counter_back() {
    let (mut rig, tokens) = rig();
    let held = stored(&mut rig);
    assert!(held.tokens.len() > 1 && held.counters.len() > 1 && !held.rows.is_empty());
    assert!(held.groups.len() < TOKENS / 4, "the journal has {} groups", held.groups.len());
    assert_eq!(start(&rig, held).unwrap(), TOKENS);
    for _ in 0..2 {
        rig.restart();
        assert_eq!(rig.engine.token_count(), TOKENS);
    }
    for (at, token) in tokens.iter().enumerate() {
        let issued = rig.issue(*token, paying(1)).unwrap();
        assert_eq!(issued.header().unwrap().atc.get(), if at % 9 == 0 { 2 } else { 1 }, "token {at}");
    }
    rig.restart();
    assert_eq!(rig.issue(tokens[0], paying(1)).unwrap().header().unwrap().atc.get(), 3);
    assert_eq!(rig.issue(tokens[1], paying(1)).unwrap().header().unwrap().atc.get(), 2);
}

#[test]
fn whatever_is_changed_taken_away_or_put_elsewhere_is_noticed() {
    const CHANGES: [(&str, Change); 20] = [
        ("the first page is gone", |stored| drop(stored.tokens.remove(0))),
        ("the last page is gone", |stored| drop(stored.tokens.pop())),
        ("a status in a page", |stored| stored.tokens[1].1[17] ^= 3),
        ("a byte more in a page", |stored| stored.tokens[0].1.push(0)),
        ("a token less in a page", |stored| stored.tokens[0].1.truncate(223 * 18)),
        ("two pages exchanged", |stored| stored.tokens.swap(0, 1)),
        ("a page twice", |stored| stored.tokens.push(stored.tokens[0].clone())),
        ("a page far behind", |stored| stored.tokens.push((u32::MAX, stored.tokens[0].1.clone()))),
        ("counters gone", |stored| drop(stored.counters.pop())),
        ("a counter", |stored| stored.counters[0].1[3] ^= 1),
        ("counters of no token", |stored| stored.counters.push((99, stored.counters[0].1.clone()))),
        ("counters far behind", |stored| stored.counters.push((u32::MAX, stored.counters[0].1.clone()))),
        ("a row is gone", |stored| drop(stored.rows.pop())),
        ("two rows exchanged", |stored| {
            let last = stored.rows.len() - 1;
            stored.rows.swap(last, last - 1);
        }),
        ("a row's body", |stored| stored.rows[0].body[0] ^= 1),
        ("a row of another requestor", |stored| stored.rows[0].trid = Trid::from_value(7).unwrap()),
        ("a row's slot", |stored| stored.rows[0].slot.0 ^= 1),
        ("the profiles are gone", |stored| stored.records.retain(|record| record.space != Space::Profile)),
        ("a record's body", |stored| stored.records[0].body.as_mut().unwrap()[0] ^= 1),
        ("the journal begins later", |stored| drop(stored.groups.remove(0))),
    ];
    let (mut rig, _) = rig();
    let good = stored(&mut rig);
    for (what, change) in CHANGES {
        let mut changed = good.clone();
        change(&mut changed);
        let started = start(&rig, changed);
        assert!(matches!(started, Err(EngineError::Store(StoreError::Corrupt(_)))), "{what}: {started:?}");
    }
}

#[test]
fn a_broken_chain_is_named_by_its_first_bad_group() {
    const CHANGES: [fn(&mut Stored, usize); 6] = [
        |stored, at| stored.groups[at].mac[0] ^= 1,
        |stored, at| stored.groups[at].body[0] ^= 1,
        |stored, at| stored.groups[at].marks.push(0),
        |stored, at| stored.groups[at].epoch.0 += 1,
        |stored, at| stored.groups[at].number.0 += 1,
        |stored, at| stored.groups[at].before[31] ^= 1,
    ];
    let (mut rig, _) = rig();
    let good = stored(&mut rig);
    for at in [0, 3, good.groups.len() - 1] {
        for change in CHANGES {
            let mut changed = good.clone();
            change(&mut changed, at);
            let named = changed.groups[at].number.0;
            assert!(matches!(start(&rig, changed), Err(EngineError::Chain(number)) if number == named));
        }
    }
    let mut gap = good.clone();
    gap.groups.remove(4);
    let next = gap.groups[4].number.0;
    assert!(matches!(start(&rig, gap), Err(EngineError::Chain(number)) if number == next));
}

#[test]
fn an_older_row_in_place_of_a_newer_one_is_noticed() {
    let (mut rig, tokens) = rig();
    let token = *tokens.last().unwrap();
    rig.status(token, StatusEvent::Suspend).unwrap();
    let older = stored(&mut rig);
    rig.status(token, StatusEvent::Resume).unwrap();
    let mut newer = stored(&mut rig);
    let slot = older.rows.last().unwrap().slot;
    let place = newer.rows.iter_mut().find(|row| row.slot == slot).unwrap();
    assert_eq!(place.revision, older.rows.last().unwrap().revision + 1);
    *place = older.rows.last().unwrap().clone();
    assert!(matches!(start(&rig, newer), Err(EngineError::Store(StoreError::Corrupt(_)))));
    // The journal cut off with it: only an anchor tells.
    assert_eq!(start(&rig, older).unwrap(), TOKENS);
}
