//! What a store gives back at a start: rows of its tables, and behind their MACs the
//! content of records, pages and rows.

use std::sync::Arc;

use super::keys::keyring;
use crate::account::{BinController, TokenRange};
use crate::command::{Caller, CardSource, Command, Provision, Request, Role, Roles};
use crate::crypto::SystemRandom;
use crate::engine::{Chain, Context, Engine, EngineConfig, EngineLimits, Fetched, OpenGroup, Unsealed};
use crate::keys::Keyring;
use crate::store::sqlite::in_memory::load_rows;
use crate::store::{
    CounterMove, GroupNumber, Load, MemoryDisk, MemoryStore, Page, PageKind, Record, Space, Store,
    StoreError, StoredGroup, TokenRow, TokenSlot,
};
use crate::types::{Atc, Domain, Evidence, Expiry, Network, Pan, Reference, Trid, UnixTime};

const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);
/// The card that is saved before anything else.
pub(super) const PAN: &[u8] = b"4111111111111111";

/// Rows of a database of anybody's making: they are restored and loaded, and what is
/// loaded of the same rows is the same.
pub fn rows(data: &[u8]) {
    let (mut once, mut again) = (Met::default(), Met::default());
    let (first, second) = (load_rows(data, &mut once), load_rows(data, &mut again));
    assert!(first == second && once == again, "the same rows were loaded as others");
}

/// Records, pages, token rows and counter moves of any content, in groups that chain and
/// under the MACs that fit: what only who has the keys can make. The engine opens on it
/// or says why not; if it opens, it goes on, and opens again on what it wrote.
pub fn store(data: &[u8]) {
    let Some(keyring) = keyring() else { return };
    let disk = MemoryDisk::new();
    if write(keyring, &disk, data).is_none() {
        return;
    }
    let Some((mut engine, mut chain, mut store)) = open(keyring, &disk) else { return };
    let (caller, Some(command)) = (Caller::new("fuzzer", Roles::of(&Role::ALL), None), card()) else {
        return;
    };
    let request = Request { command, idempotency: None, body: b"" };
    let context = Context { now: NOW, random: &SystemRandom, caller: &caller };
    let _ = engine.execute(context, &request, None, &Fetched::Nothing);
    let Some(group) = engine.take_group() else { return };
    let appended = store.append(&chain.seal(group, GroupNumber(0)));
    assert!(appended.is_ok(), "what an engine wrote was not taken");
    assert!(open(keyring, &disk).is_some(), "an engine does not open on what it wrote");
}

/// Saves that card.
pub(super) fn card() -> Option<Command<'static>> {
    Some(Command::Provision(Box::new(Provision {
        card: CardSource::Clear { pan: Pan::parse(PAN).ok()?, expiry: Expiry::parse(b"4912").ok()? },
        trid: Trid::parse(b"40010000001").ok()?,
        evidence: Evidence {
            provider: Reference::parse("bank").ok()?,
            reference: Reference::parse("pay_1").ok()?,
            auth_reference: None,
        },
        par: None,
        domain: Domain::default(),
        providers: None,
    })))
}

type Opened = (Engine<Unsealed>, Chain, MemoryStore);

fn open(keyring: &Arc<Keyring>, disk: &MemoryDisk) -> Option<Opened> {
    let mut store = MemoryStore::open(disk);
    let opened = Engine::new(config()?).unseal(Arc::clone(keyring), &mut store, &[], NOW);
    opened.ok().map(|(engine, chain)| (engine, chain, store))
}

fn config() -> Option<EngineConfig> {
    Some(EngineConfig {
        bin_controller: BinController::parse("TLY1").ok()?,
        token_ranges: vec![(Network::Visa, TokenRange::parse("489537").ok()?)],
        max_age_slots: 144,
        limits: EngineLimits::default(),
    })
}

/// Writes the items in groups. Each is its kind, a number of two bytes, the length of
/// its content in two, and that.
fn write(keyring: &Arc<Keyring>, disk: &MemoryDisk, mut rest: &[u8]) -> Option<()> {
    let (_, mut chain, mut store) = open(keyring, disk)?;
    let mut group = OpenGroup::default();
    while let Some(([kind, a, b, c, d], after)) = rest.split_first_chunk() {
        let number = u32::from(u16::from_be_bytes([*a, *b]));
        let length = usize::from(u16::from_be_bytes([*c, *d])).min(after.len());
        let (content, after) = after.split_at_checked(length)?;
        rest = after;
        put(&mut group, *kind, number, content);
        // A page stands in the digest of the group that it was written with.
        if kind % 8 == 7 || rest.is_empty() {
            store.append(&chain.seal(std::mem::take(&mut group), GroupNumber(0))).ok()?;
        }
    }
    Some(())
}

/// Puts an item into a group.
fn put(group: &mut OpenGroup, kind: u8, number: u32, content: &[u8]) {
    match kind % 8 {
        0 => group.pages.push(Page { kind: PageKind::Tokens, number, body: content.to_vec() }),
        1 => group.pages.push(Page { kind: PageKind::Counters, number, body: content.to_vec() }),
        2 => group.tokens.extend(row(content)),
        3 => moves(content, &mut group.issued),
        4 => moves(content, &mut group.consumed),
        5 => group.first = GroupNumber(number.into()),
        6 => group.records.extend(record(number, content)),
        _ => {}
    }
}

/// A token row: slot 4, TRID 8, revision 2, content.
fn row(content: &[u8]) -> Option<TokenRow> {
    let ([a, b, c, d, e, f, g, h, i, j, k, l, m, n], body) = content.split_first_chunk()?;
    Some(TokenRow {
        slot: TokenSlot(u32::from_be_bytes([*a, *b, *c, *d])),
        trid: Trid::from_value(u64::from_be_bytes([*e, *f, *g, *h, *i, *j, *k, *l])).ok()?,
        revision: u16::from_be_bytes([*m, *n]),
        body: body.to_vec(),
    })
}

/// Counter moves: slot 4, counter 4.
fn moves(content: &[u8], moves: &mut Vec<CounterMove>) {
    let (eights, _) = content.as_chunks();
    moves.extend(eights.iter().filter_map(|[a, b, c, d, e, f, g, h]| {
        let slot = TokenSlot(u32::from_be_bytes([*a, *b, *c, *d]));
        Some(CounterMove { slot, atc: Atc::new(u32::from_be_bytes([*e, *f, *g, *h]))? })
    }));
}

/// A record in the space of a number: length of its key 1, when it expires 1 (0 if
/// never), key, content.
fn record(number: u32, content: &[u8]) -> Option<Record> {
    let ([length, expires], rest) = content.split_first_chunk()?;
    let (key, body) = rest.split_at_checked(usize::from(*length))?;
    let [_, _, _, space] = number.to_be_bytes();
    let late = NOW.seconds().saturating_add(u64::from(*expires));
    Some(Record {
        space: Space::from_number(space)?,
        key: key.to_vec(),
        expires: (*expires > 0).then(|| UnixTime::from_seconds(late.saturating_sub(128))),
        body: Some(body.to_vec()),
    })
}

/// What a store handed over.
#[derive(Default, PartialEq)]
pub(super) struct Met {
    pub(super) records: Vec<Record>,
    pub(super) pages: Vec<(PageKind, u32, usize)>,
    pub(super) tokens: Vec<TokenRow>,
    pub(super) groups: Vec<(GroupNumber, [u8; 32])>,
}

impl Load for Met {
    fn record(&mut self, record: Record) -> Result<(), StoreError> {
        self.records.push(record);
        Ok(())
    }

    fn page(&mut self, kind: PageKind, number: u32, body: &[u8]) -> Result<(), StoreError> {
        self.pages.push((kind, number, body.len()));
        Ok(())
    }

    fn token(&mut self, row: TokenRow) -> Result<(), StoreError> {
        self.tokens.push(row);
        Ok(())
    }

    fn journal(&mut self, group: StoredGroup<'_>) -> Result<(), StoreError> {
        self.groups.push((group.number, group.mac));
        Ok(())
    }
}
