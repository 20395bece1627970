//! The book of tokens: what every hot operation needs of each, in memory.
//!
//! Fifty-six bytes a token and an index of about eight. Whole rows stay in
//! the store, but for those of groups that are not durable yet.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::record::TokenRecord;
use crate::store::{GroupNumber, TokenSlot};
use crate::types::{Counters, Domain, Expiry, TokenNumber, TokenStatus, Trid};

/// Entries in one segment: growing never moves or over-allocates more than one.
const SEGMENT: usize = 1 << 16;

/// What hot operations need of a token.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub token: TokenNumber,
    pub trid: Trid,
    pub counters: Counters,
    /// Index into the interned domains.
    pub domain: u32,
    pub expiry: Expiry,
    /// Counts the writes of the row, to tell a stale one.
    pub revision: u16,
    pub status: TokenStatus,
}

/// All tokens.
pub(super) struct Book {
    segments: Vec<Vec<Entry>>,
    len: usize,
    index: HashTable<u32>,
    hasher: RandomState,
    domains: Vec<Domain>,
    domain_index: HashMap<Domain, u32>,
    /// Rows of groups that are not durable yet.
    rows: HashMap<TokenSlot, (GroupNumber, TokenRecord)>,
}

impl Book {
    pub fn new() -> Self {
        let open = Domain::default();
        Self {
            segments: Vec::new(),
            len: 0,
            index: HashTable::new(),
            hasher: RandomState::new(),
            domain_index: HashMap::from([(open.clone(), 0)]),
            domains: vec![open],
            rows: HashMap::new(),
        }
    }

    pub const fn len(&self) -> usize {
        self.len
    }

    /// The slot of a token number.
    pub fn find(&self, token: TokenNumber) -> Option<TokenSlot> {
        let hash = self.hasher.hash_one(token);
        self.index.find(hash, |slot| self.is(*slot, token)).map(|slot| TokenSlot(*slot))
    }

    pub fn get(&self, slot: TokenSlot) -> Option<&Entry> {
        let (segment, offset) = place(slot)?;
        self.segments.get(segment)?.get(offset)
    }

    pub fn get_mut(&mut self, slot: TokenSlot) -> Option<&mut Entry> {
        let (segment, offset) = place(slot)?;
        self.segments.get_mut(segment)?.get_mut(offset)
    }

    /// The slot that the next token gets.
    pub fn next_slot(&self) -> Option<TokenSlot> {
        u32::try_from(self.len).ok().map(TokenSlot)
    }

    /// Adds an entry at [`next_slot`](Self::next_slot).
    pub fn push(&mut self, entry: Entry) -> Option<TokenSlot> {
        let slot = self.next_slot()?;
        let hash = self.hasher.hash_one(entry.token);
        match self.segments.last_mut() {
            Some(last) if last.len() < SEGMENT => last.push(entry),
            _ => {
                let mut segment = Vec::with_capacity(SEGMENT);
                segment.push(entry);
                self.segments.push(segment);
            }
        }
        self.len += 1;
        let Self { segments, hasher, index, .. } = self;
        let token_of = |slot: u32| {
            let (segment, offset) = place(TokenSlot(slot))?;
            Some(segments.get(segment)?.get(offset)?.token)
        };
        // Every slot in the index has an entry, so the fallback is never hashed.
        index.insert_unique(hash, slot.0, |slot| token_of(*slot).map_or(0, |token| hasher.hash_one(token)));
        Some(slot)
    }

    /// The number of a domain; equal ones share one.
    pub fn intern(&mut self, domain: &Domain) -> u32 {
        if let Some(number) = self.domain_index.get(domain) {
            return *number;
        }
        // There are no more domains than tokens, which a u32 counts.
        let number = u32::try_from(self.domains.len()).unwrap_or(u32::MAX);
        self.domains.push(domain.clone());
        self.domain_index.insert(domain.clone(), number);
        number
    }

    /// The domain of a number.
    pub fn domain(&self, number: u32) -> Option<&Domain> {
        self.domains.get(usize::try_from(number).ok()?)
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

    fn is(&self, slot: u32, token: TokenNumber) -> bool {
        self.get(TokenSlot(slot)).is_some_and(|entry| entry.token == token)
    }
}

fn place(slot: TokenSlot) -> Option<(usize, usize)> {
    let slot = usize::try_from(slot.0).ok()?;
    Some((slot / SEGMENT, slot % SEGMENT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(value: u64) -> Entry {
        Entry {
            token: TokenNumber::from_parts(value, 16).unwrap(),
            trid: Trid::from_value(1).unwrap(),
            counters: Counters::default(),
            domain: 0,
            expiry: Expiry::parse(b"2912").unwrap(),
            revision: 0,
            status: TokenStatus::Active,
        }
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
    fn entries_stay_within_their_bytes() {
        assert!(std::mem::size_of::<Entry>() <= 56);
    }
}
