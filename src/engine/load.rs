//! Takes what a store holds into the engine.

use std::collections::HashMap;

use super::book::{Book, Entry};
use super::chain::chains;
use super::idempotency::Memory;
use super::record::TokenRecord;
use super::short_values::ShortValues;
use crate::crypto::MacState;
use crate::store::journal::JournalBody;
use crate::store::{
    ChainHead, CounterMove, Epoch, GroupNumber, Load, Record, Space, StoreError, TokenRow, TokenSlot,
};
use crate::types::{Counters, KeyVersion, Par};

/// Builds the engine's state while a store is read.
pub(super) struct Loader {
    pub book: Book,
    pub memory: Memory,
    pub par_links: HashMap<[u8; 32], Par>,
    pub short_values: ShortValues,
    /// The newest group so far.
    pub head: ChainHead,
    pub audit: Vec<(KeyVersion, MacState)>,
    pub broken: Option<GroupNumber>,
}

impl Loader {
    /// The group that did not chain, if one did not.
    pub const fn broken_at(&self) -> Option<GroupNumber> {
        self.broken
    }

    fn counters_of(&mut self, slot: TokenSlot) -> Result<&mut Counters, StoreError> {
        let entry = self.book.get_mut(slot);
        Ok(&mut entry.ok_or(StoreError::Corrupt("a counter belongs to no token"))?.counters)
    }
}

impl Load for Loader {
    fn token(&mut self, row: TokenRow) -> Result<(), StoreError> {
        let record = TokenRecord::from_body(&row.body)?;
        if self.book.next_slot() != Some(row.slot) || record.view.trid != row.trid {
            return Err(StoreError::Corrupt("token rows do not follow each other"));
        }
        if self.book.find(record.view.token).is_some() {
            return Err(StoreError::Corrupt("a token number stands twice"));
        }
        let domain = self.book.intern(&record.view.domain);
        self.book.push(Entry::of(&record, domain));
        Ok(())
    }

    fn counters(&mut self, slot: TokenSlot, counters: Counters) -> Result<(), StoreError> {
        // Packed chunks hold zeros for slots that no token has yet.
        if counters != Counters::default() {
            *self.counters_of(slot)? = counters;
        }
        Ok(())
    }

    fn folded(&mut self, head: ChainHead) -> Result<(), StoreError> {
        self.head = head;
        Ok(())
    }

    fn journal(
        &mut self,
        number: GroupNumber,
        epoch: Epoch,
        body: &[u8],
        mac: [u8; 32],
    ) -> Result<(), StoreError> {
        let after = ChainHead { number, mac };
        if !chains(&self.audit, &self.head, &after, epoch, body) {
            self.broken = Some(number);
            return Err(StoreError::Corrupt("the journal's chain is broken"));
        }
        let body =
            JournalBody::decode(body).map_err(|_| StoreError::Corrupt("a journal body cannot be read"))?;
        for CounterMove { slot, atc } in body.issued() {
            self.counters_of(slot)?.replay_issue(atc);
        }
        for CounterMove { slot, atc } in body.consumed() {
            self.counters_of(slot)?.replay_consume(atc);
        }
        self.head = after;
        Ok(())
    }

    fn record(&mut self, record: Record) -> Result<(), StoreError> {
        match record.space {
            Space::Idempotency => self.memory.restore(record),
            Space::ShortValues => self.short_values.restore(&record),
            Space::ParLink => {
                const DAMAGED: StoreError = StoreError::Corrupt("a PAR link cannot be read");
                let fingerprint: [u8; 32] = record.key.try_into().map_err(|_| DAMAGED)?;
                let text = String::from_utf8(record.body.ok_or(DAMAGED)?).map_err(|_| DAMAGED)?;
                self.par_links.insert(fingerprint, Par::parse(&text).map_err(|_| DAMAGED)?);
                Ok(())
            }
        }
    }
}
