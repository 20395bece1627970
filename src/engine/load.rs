//! Takes what a store holds into the engine, and trusts none of it unchecked.

use std::collections::HashMap;
use std::sync::Arc;

use super::GivenUp;
use super::authentic::Authentic;
use super::book::Book;
use super::cards::{CardId, Cards};
use super::chain::is_authentic;
use super::checkpoint::Checkpoint;
use super::idempotency::Memory;
use super::lockouts::Lockouts;
use super::nodes::Nodes;
use super::page;
use super::records::Records;
use super::row::Placed;
use super::short_values::ShortValues;
use super::tags::Tags;
use crate::crypto::{Audit, LoadedKey};
use crate::keys::Keyring;
use crate::store::journal::{JournalBody, Standing, read_marks};
use crate::store::{
    ChainHead, GroupNumber, Load, PageKind, Record, StoreError, StoredGroup, TokenRow, TokenSlot,
};
use crate::types::{KeyVersion, Par};

/// Builds the engine's state while a store is read.
pub(super) struct Loader {
    pub book: Book,
    pub memory: Memory,
    pub par_links: HashMap<[u8; 32], Par>,
    pub short_values: ShortValues,
    pub lockouts: Lockouts<TokenSlot>,
    pub cards: Cards,
    pub card_lockouts: Lockouts<CardId>,
    pub nodes: Nodes,
    pub checkpoint: Checkpoint,
    /// The newest group so far, and how pages and anchor stood at it.
    pub head: ChainHead,
    pub standing: Standing,
    /// The groups that anchors hold, and whether each was met.
    anchored: Vec<(ChainHead, bool)>,
    /// The first group of the journal.
    first: Option<GroupNumber>,
    /// The tags of pages under each version of the audit key.
    pub tags: Vec<Tags>,
    keyring: Arc<Keyring>,
    /// Rows that the journal wrote, and their newest revisions.
    rows: HashMap<TokenSlot, u16>,
    marked: HashMap<TokenSlot, u16>,
    /// Tokens that are indexed, or vacant.
    indexed: usize,
    /// Tokens that a page lacks and no row has given yet.
    vacant: usize,
    broken: Option<GroupNumber>,
    /// Whether nobody wants it any more.
    pub is_given_up: Option<GivenUp>,
}

/// Tokens indexed together while pages are loaded.
const INDEXED_AT_ONCE: usize = 1 << 20;

const GAP: StoreError = StoreError::Corrupt("token pages do not follow each other");

impl Loader {
    pub fn new(keyring: Arc<Keyring>, limit: u64, anchored: &[ChainHead]) -> Self {
        Self {
            book: Book::new(),
            memory: Memory::default(),
            par_links: HashMap::new(),
            short_values: ShortValues::default(),
            lockouts: Lockouts::default(),
            cards: Cards::default(),
            card_lockouts: Lockouts::default(),
            nodes: Nodes::new(&keyring),
            checkpoint: Checkpoint::new(limit),
            head: ChainHead::START,
            standing: Standing::default(),
            anchored: anchored.iter().map(|head| (*head, *head == ChainHead::START)).collect(),
            first: None,
            tags: keyring.audit.iter().map(|_| Tags::default()).collect(),
            keyring,
            rows: HashMap::new(),
            marked: HashMap::new(),
            indexed: 0,
            vacant: 0,
            broken: None,
            is_given_up: None,
        }
    }

    /// The group that did not chain, if one did not.
    pub const fn broken_at(&self) -> Option<GroupNumber> {
        self.broken
    }

    /// Whether a group of the journal is the one that an anchor holds.
    pub fn met(&self, head: &ChainHead) -> bool {
        self.anchored.iter().any(|(of, met)| of == head && *met)
    }

    /// Whether the journal goes on behind a group, and does not reach back to it.
    pub fn is_past(&self, number: GroupNumber) -> bool {
        self.first.is_some_and(|first| number < first)
    }

    /// Checks what only the whole can tell: that the journal reaches back to where
    /// the pages stop, that the pages are those of the newest group, and the rows
    /// those that the journal wrote last.
    pub fn check(&self) -> Result<(), StoreError> {
        if self.first.is_some_and(|first| first > self.standing.first) {
            return Err(StoreError::Corrupt("the journal does not reach back to the pages"));
        }
        let is_of = |(tags, (_, key)): (&Tags, (KeyVersion, &LoadedKey<Audit>))| {
            let found = tags.digest(key.mac_state());
            bool::from(subtle::ConstantTimeEq::ct_eq(&found[..], &self.standing.pages[..]))
        };
        if !self.tags.iter().zip(self.keyring.audit.iter()).any(is_of) {
            return Err(StoreError::Corrupt("the pages are not those of the newest group"));
        }
        if self.vacant > 0 {
            return Err(GAP);
        }
        if self.rows != self.marked {
            return Err(StoreError::Corrupt("a row is not the one that the journal wrote"));
        }
        Ok(())
    }

    fn go_on(&self) -> Result<(), StoreError> {
        let is_given_up = self.is_given_up.as_ref().is_some_and(|is_given_up| is_given_up());
        if is_given_up { Err(StoreError::GivenUp) } else { Ok(()) }
    }

    fn records(&mut self) -> Records<'_> {
        Records {
            profiles: &mut self.book.profiles,
            memory: &mut self.memory,
            par_links: &mut self.par_links,
            short_values: &mut self.short_values,
            lockouts: &mut self.lockouts,
            cards: &mut self.cards,
            card_lockouts: &mut self.card_lockouts,
            nodes: &mut self.nodes,
        }
    }

    fn take_tokens(&mut self, number: u32, body: &[u8]) -> Result<(), StoreError> {
        let first = usize::try_from(number).ok().and_then(|number| number.checked_mul(page::SLOTS));
        let missing = first.and_then(|first| first.checked_sub(self.book.len()));
        // A page that was written before it was full: the journal still has the
        // rows of what came into it since, as this page is newer.
        for _ in 0..missing.filter(|missing| *missing < page::SLOTS).ok_or(GAP)? {
            self.vacant += usize::from(self.book.push_vacant().is_some());
        }
        for entry in page::tokens(body)? {
            let entry = entry?;
            if self.book.profiles.get(entry.profile).is_none() {
                return Err(StoreError::Corrupt("a token has no profile"));
            }
            let pushed = self.book.push_unindexed(entry);
            pushed.ok_or(StoreError::Corrupt("there are more tokens than slots"))?;
        }
        if self.book.len() - self.indexed >= INDEXED_AT_ONCE {
            self.index();
        }
        Ok(())
    }

    /// Indexes what token pages gave since the last time.
    fn index(&mut self) {
        self.book.index_added(self.indexed);
        self.indexed = self.book.len();
    }

    fn take_counters(&mut self, number: u32, body: &[u8]) -> Result<(), StoreError> {
        let first = number.checked_mul(224).ok_or(StoreError::Corrupt("a counter page lies too far"))?;
        for (slot, counters) in (first..=u32::MAX).zip(page::counters(body)?) {
            *self.book.counters_of(TokenSlot(slot))? = counters;
        }
        Ok(())
    }
}

impl Load for Loader {
    fn record(&mut self, record: Record) -> Result<(), StoreError> {
        self.go_on()?;
        let record = record.opened(&self.keyring.audit)?;
        for (tags, (_, key)) in self.tags.iter_mut().zip(self.keyring.audit.iter()) {
            tags.put_record(key.mac_state(), &record);
        }
        self.records().take(record)
    }

    fn expect(&mut self, token_pages: u64) {
        let tokens = token_pages.saturating_mul(224).min(u32::MAX.into());
        self.book.expect(usize::try_from(tokens).unwrap_or(0));
    }

    fn page(&mut self, kind: PageKind, number: u32, body: &[u8]) -> Result<(), StoreError> {
        self.go_on()?;
        // What is taken follows what was there, so no number makes the tags too many.
        match kind {
            PageKind::Tokens => self.take_tokens(number, body)?,
            PageKind::Counters => self.take_counters(number, body)?,
        }
        for (tags, (_, key)) in self.tags.iter_mut().zip(self.keyring.audit.iter()) {
            tags.put(key.mac_state(), kind, number, body);
        }
        Ok(())
    }

    fn token_pages_end(&mut self) {
        self.index();
    }

    fn token(&mut self, row: TokenRow) -> Result<(), StoreError> {
        self.go_on()?;
        let (slot, revision) = (row.slot, row.revision);
        let row = row.opened(&self.keyring.audit)?;
        let placed = self.book.take_row(&row)?;
        self.vacant -= usize::from(placed == Placed::Vacancy);
        self.rows.insert(slot, revision);
        self.checkpoint.touch(PageKind::Tokens, slot);
        Ok(())
    }

    fn journal(&mut self, group: StoredGroup<'_>) -> Result<(), StoreError> {
        self.go_on()?;
        let after = ChainHead { number: group.number, mac: group.mac };
        let follows = self.first.is_none() || self.head.mac == group.before;
        if !follows || !is_authentic(&self.keyring.audit, &group) {
            self.broken = Some(group.number);
            return Err(StoreError::Corrupt("the journal's chain is broken"));
        }
        self.first.get_or_insert(group.number);
        const DAMAGED: StoreError = StoreError::Corrupt("a journal body cannot be read");
        let body = JournalBody::decode(group.body).map_err(|_| DAMAGED)?;
        self.book.replay(&body, &mut self.checkpoint)?;
        self.marked.extend(read_marks(group.marks).map_err(|_| DAMAGED)?);
        self.anchored.iter_mut().for_each(|(head, met)| *met |= *head == after);
        self.standing = body.standing();
        self.head = after;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::book::Entry;
    use crate::engine::record::sample;
    use crate::engine::samples::keyring;

    /// A page of so many tokens with the profile of the sample.
    fn page_of(loader: &mut Loader, tokens: usize) -> Vec<u8> {
        let record = sample();
        let (profile, _) = loader.book.profiles.intern(record.view.trid, &record.view.domain);
        page::encode(PageKind::Tokens, &vec![Entry::of(&record, profile); tokens])
    }

    fn loader(keyring: &Arc<Keyring>, pages: &[(u32, usize)]) -> Result<Loader, StoreError> {
        let mut loader = Loader::new(Arc::clone(keyring), 1 << 20, &[]);
        for (number, tokens) in pages {
            let body = page_of(&mut loader, *tokens);
            loader.page(PageKind::Tokens, *number, &body)?;
        }
        loader.token_pages_end();
        loader.standing.pages = loader.tags[0].digest(keyring.audit.active().1.mac_state());
        Ok(loader)
    }

    #[test]
    fn pages_follow_each_other() {
        let keyring = keyring();
        for pages in [&[(1, 5)][..], &[(0, 224), (2, 5)], &[(0, 5), (0, 5)], &[(0, 224), (1, 5), (0, 224)]] {
            assert_eq!(loader(&keyring, pages).err(), Some(GAP), "{pages:?}");
        }
        let whole = loader(&keyring, &[(0, 224), (1, 224), (2, 1)]).unwrap();
        assert_eq!((whole.book.len(), whole.check()), (449, Ok(())));
    }

    #[test]
    fn what_a_page_lacks_the_journals_rows_must_give() {
        let keyring = keyring();
        let (version, audit) = keyring.audit.active();
        let mut loader = loader(&keyring, &[(0, 222), (1, 5)]).unwrap();
        assert_eq!((loader.book.len(), loader.check()), (229, Err(GAP)));
        for slot in [222, 223].map(TokenSlot) {
            assert_eq!(loader.check(), Err(GAP));
            let record = sample();
            let (trid, revision, body) = (record.view.trid, record.revision, record.to_body());
            let row = TokenRow { slot, trid, revision, body };
            loader.token(row.sealed(version, audit.mac_state())).unwrap();
            loader.marked.insert(slot, revision);
        }
        assert_eq!(loader.check(), Ok(()));
        loader.marked.clear();
        assert!(loader.check().is_err(), "rows that the journal does not mark");
    }
}
