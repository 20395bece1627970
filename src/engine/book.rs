//! The book of tokens: what every hot operation needs of each, in memory.
//!
//! Forty bytes a token and an index of about eight. Whole rows stay in the
//! store, but for those of groups that are not durable yet.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::page;
use super::profiles::Profiles;
use super::record::TokenRecord;
use crate::store::{GroupNumber, TokenSlot};
use crate::types::{Counters, Expiry, TokenNumber, TokenStatus};

/// Entries in one segment: growing never moves or over-allocates more than one,
/// and no page lies in two.
const SEGMENT: usize = page::SLOTS << 8;

/// So many tokens are in the processor's cache anyway, more or less.
const CACHED: usize = 1 << 17;

/// What hot operations need of a token.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The token number without its length, which would cost eight bytes more.
    value: u64,
    pub counters: Counters,
    /// Index into the profiles.
    pub profile: u32,
    pub expiry: Expiry,
    /// Counts the writes of the row, to tell a stale one.
    pub revision: u16,
    digits: u8,
    pub status: TokenStatus,
}

/// All tokens.
pub(super) struct Book {
    segments: Vec<Vec<Entry>>,
    len: usize,
    index: HashTable<u32>,
    /// No cryptographic one: whoever chooses what is looked up does not choose what is
    /// in the index, as token numbers are drawn by us. And a short one, so that more
    /// look-ups wait for memory together.
    hasher: RandomState,
    pub profiles: Profiles,
    /// Rows of groups that are not durable yet.
    rows: HashMap<TokenSlot, (GroupNumber, TokenRecord)>,
}

impl Entry {
    /// No token has zero digits.
    const VACANT: Self = Self {
        value: 0,
        counters: Counters::NONE,
        profile: 0,
        expiry: Expiry::MIN,
        revision: 0,
        digits: 0,
        status: TokenStatus::Initiated,
    };

    /// An entry whose counters never moved.
    pub fn new(token: TokenNumber, profile: u32, expiry: Expiry, revision: u16, status: TokenStatus) -> Self {
        let (value, digits) = (token.value(), token.digit_count());
        Self { value, counters: Counters::default(), profile, expiry, revision, digits, status }
    }

    /// The entry of a stored token, its counters at zero.
    pub fn of(record: &TokenRecord, profile: u32) -> Self {
        let status = record.view.providers.overall();
        Self::new(record.view.token, profile, record.view.expiry, record.revision, status)
    }

    /// Whether a token is yet to be loaded here.
    pub const fn is_vacant(&self) -> bool {
        self.digits == 0
    }

    /// The token number's value and count of digits.
    pub const fn number(&self) -> (u64, u8) {
        (self.value, self.digits)
    }

    fn is(&self, token: TokenNumber) -> bool {
        self.number() == (token.value(), token.digit_count())
    }
}

impl Book {
    pub fn new() -> Self {
        Self {
            segments: Vec::new(),
            len: 0,
            index: HashTable::new(),
            hasher: RandomState::default(),
            profiles: Profiles::default(),
            rows: HashMap::new(),
        }
    }

    pub const fn len(&self) -> usize {
        self.len
    }

    /// Readies the index for so many tokens.
    pub fn expect(&mut self, tokens: usize) {
        let Self { segments, hasher, index, .. } = self;
        let missing = tokens.saturating_sub(index.len());
        index.reserve(missing, |slot| hash_of(segments, hasher, *slot));
    }

    /// The slot of a token number.
    pub fn find(&self, token: TokenNumber) -> Option<TokenSlot> {
        let hash = hash(&self.hasher, token.value(), token.digit_count());
        let is = |slot: &u32| self.get(TokenSlot(*slot)).is_some_and(|entry| entry.is(token));
        self.index.find(hash, is).map(|slot| TokenSlot(*slot))
    }

    /// Brings tokens into the processor's cache. Decisions would wait for memory one
    /// after the other; these look-ups depend on nothing, so their waits overlap.
    pub fn fetch_ahead(&self, tokens: impl Iterator<Item = TokenNumber>) {
        if self.len > CACHED {
            let slots = tokens.filter_map(|token| self.find(token));
            std::hint::black_box(slots.fold(0, |seen, slot| seen ^ slot.0));
        }
    }

    pub fn get(&self, slot: TokenSlot) -> Option<&Entry> {
        entry(&self.segments, slot)
    }

    pub fn get_mut(&mut self, slot: TokenSlot) -> Option<&mut Entry> {
        let (segment, offset) = place(slot)?;
        self.segments.get_mut(segment)?.get_mut(offset)
    }

    /// The entries of a page.
    pub fn page(&self, number: u32) -> &[Entry] {
        let first = usize::try_from(number).unwrap_or(usize::MAX).saturating_mul(page::SLOTS);
        let segment = self.segments.get(first / SEGMENT).map(Vec::as_slice).unwrap_or_default();
        let from = segment.get(first % SEGMENT..).unwrap_or_default();
        from.get(..page::SLOTS).unwrap_or(from)
    }

    /// The slot that the next token gets.
    pub fn next_slot(&self) -> Option<TokenSlot> {
        u32::try_from(self.len).ok().map(TokenSlot)
    }

    /// Adds an entry at [`next_slot`](Self::next_slot).
    pub fn push(&mut self, entry: Entry) -> Option<TokenSlot> {
        let slot = self.add(entry)?;
        self.index(slot);
        Some(slot)
    }

    /// Adds an entry that [`find`](Self::find) does not find before
    /// [`index_added`](Self::index_added).
    pub fn push_unindexed(&mut self, entry: Entry) -> Option<TokenSlot> {
        self.add(entry)
    }

    /// Indexes the entries from slot `first` on.
    ///
    /// In the order of their places in the index: in that of their slots, each would
    /// go to a place of its own, far from the last, and wait for memory.
    pub fn index_added(&mut self, first: usize) {
        let places = self.index.capacity().saturating_mul(8).div_ceil(7).next_power_of_two();
        // The index takes a place from the low bits of a hash; these are the upper eight of them.
        let shift = places.trailing_zeros().saturating_sub(8);
        let bin = |hash: u64| usize::from(u8::try_from(hash >> shift & 0xff).unwrap_or(0));
        let mut bins: Vec<Vec<(u64, u32)>> = vec![Vec::new(); 256];
        for slot in (first..self.len).filter_map(|slot| u32::try_from(slot).ok()) {
            let occupied = entry(&self.segments, TokenSlot(slot)).filter(|entry| !entry.is_vacant());
            let Some(entry) = occupied else { continue };
            let hash = hash(&self.hasher, entry.value, entry.digits);
            bins.get_mut(bin(hash)).into_iter().for_each(|bin| bin.push((hash, slot)));
        }
        let Self { segments, hasher, index, .. } = self;
        for (hash, slot) in bins.into_iter().flatten() {
            index.insert_unique(hash, slot, |slot| hash_of(segments, hasher, *slot));
        }
    }

    /// Adds a vacant entry, for a token that is yet to be loaded.
    pub fn push_vacant(&mut self) -> Option<TokenSlot> {
        self.add(Entry::VACANT)
    }

    /// Puts an entry in the place of a vacant one. Whether it was vacant.
    pub fn occupy(&mut self, slot: TokenSlot, entry: Entry) -> bool {
        let Some(vacant) = self.get_mut(slot).filter(|entry| entry.is_vacant()) else { return false };
        *vacant = entry;
        self.index(slot);
        true
    }

    fn add(&mut self, entry: Entry) -> Option<TokenSlot> {
        let slot = self.next_slot()?;
        match self.segments.last_mut() {
            Some(last) if last.len() < SEGMENT => last.push(entry),
            _ => {
                let mut segment = Vec::with_capacity(SEGMENT);
                segment.push(entry);
                self.segments.push(segment);
            }
        }
        self.len += 1;
        Some(slot)
    }

    fn index(&mut self, slot: TokenSlot) {
        let Self { segments, hasher, index, .. } = self;
        let hash = hash_of(segments, hasher, slot.0);
        index.insert_unique(hash, slot.0, |slot| hash_of(segments, hasher, *slot));
    }

    /// Keeps a row until its group is durable.
    pub fn keep_row(&mut self, slot: TokenSlot, group: GroupNumber, record: TokenRecord) {
        self.rows.insert(slot, (group, record));
    }

    /// A row that is not durable yet.
    pub fn kept_row(&self, slot: TokenSlot) -> Option<&TokenRecord> {
        self.rows.get(&slot).map(|(_, record)| record)
    }

    /// Forgets the rows of groups up to `durable`.
    pub fn forget_rows(&mut self, durable: GroupNumber) {
        if !self.rows.is_empty() {
            self.rows.retain(|_, (group, _)| *group > durable);
        }
    }
}

fn hash(hasher: &RandomState, value: u64, digits: u8) -> u64 {
    hasher.hash_one((value, digits))
}

/// The hash of a slot in the index. Each has an entry, so the fallback is never hashed.
fn hash_of(segments: &[Vec<Entry>], hasher: &RandomState, slot: u32) -> u64 {
    entry(segments, TokenSlot(slot)).map_or(0, |entry| hash(hasher, entry.value, entry.digits))
}

fn entry(segments: &[Vec<Entry>], slot: TokenSlot) -> Option<&Entry> {
    let (segment, offset) = place(slot)?;
    segments.get(segment)?.get(offset)
}

fn place(slot: TokenSlot) -> Option<(usize, usize)> {
    let slot = usize::try_from(slot.0).ok()?;
    Some((slot / SEGMENT, slot % SEGMENT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::record::sample;

    fn entry(value: u64) -> Entry {
        let token = TokenNumber::from_parts(value, 16).unwrap();
        Entry::new(token, 0, Expiry::parse(b"2912").unwrap(), 0, TokenStatus::Active)
    }

    #[test]
    fn finds_every_token_across_segments_and_no_other() {
        let mut book = Book::new();
        let count = 3 * u64::try_from(SEGMENT).unwrap() / 2;
        for value in 0..count {
            assert_eq!(book.push(entry(value * 7)).map(|slot| u64::from(slot.0)), Some(value));
        }
        for value in 0..count {
            let token = TokenNumber::from_parts(value * 7, 16).unwrap();
            assert_eq!(book.find(token).map(|slot| u64::from(slot.0)), Some(value));
        }
        assert_eq!(book.find(TokenNumber::from_parts(1, 16).unwrap()), None);
        // The same value with another length is another token.
        assert_eq!(book.find(TokenNumber::from_parts(7, 15).unwrap()), None);
    }

    #[test]
    fn pages_hold_every_entry_in_order() {
        let mut book = Book::new();
        let count = u64::try_from(SEGMENT + 2 * page::SLOTS + 1).unwrap();
        for value in 0..count {
            book.push(entry(value));
        }
        let pages = u32::try_from(page::count(usize::try_from(count).unwrap())).unwrap();
        let paged = (0..=pages).flat_map(|number| book.page(number).iter().map(Entry::number));
        assert!(paged.eq((0..count).map(|value| (value, 16))));
    }

    #[test]
    fn what_pages_gave_is_found_once_it_is_indexed_and_a_vacancy_once_it_is_taken() {
        let mut book = Book::new();
        let token = |value| TokenNumber::from_parts(value, 16).unwrap();
        for value in 0..1000 {
            let slot = TokenSlot(u32::try_from(value).unwrap());
            let pushed = if value % 10 == 3 { book.push_vacant() } else { book.push_unindexed(entry(value)) };
            assert_eq!(pushed, Some(slot));
            assert_eq!(book.get(slot).map(Entry::is_vacant), Some(value % 10 == 3));
        }
        assert!((0..1000).all(|value| book.find(token(value)).is_none()));
        book.index_added(100);
        for value in 0..1000_u32 {
            let there = value >= 100 && value % 10 != 3;
            assert_eq!(book.find(token(value.into())), there.then_some(TokenSlot(value)));
        }
        assert!(!book.occupy(TokenSlot(500), entry(5000)), "it was taken");
        assert!(!book.occupy(TokenSlot(1000), entry(5000)), "it is not there");
        assert!(book.occupy(TokenSlot(503), entry(5000)));
        assert_eq!(book.find(token(5000)), Some(TokenSlot(503)));
        assert_eq!(book.find(token(500)), Some(TokenSlot(500)));
    }

    #[test]
    fn rows_are_kept_until_their_group_is_durable() {
        let mut book = Book::new();
        for number in 1..=3 {
            book.keep_row(TokenSlot(number), GroupNumber(number.into()), sample());
        }
        book.forget_rows(GroupNumber(2));
        let kept = |slot| book.kept_row(TokenSlot(slot)).is_some();
        assert_eq!([1, 2, 3].map(kept), [false, false, true]);
    }

    #[test]
    fn entries_stay_within_their_bytes() {
        assert!(std::mem::size_of::<Entry>() <= 40);
    }
}
