//! What is stored of tokens goes into the book: rows, and the moves of their counters.

use super::book::{Book, Entry};
use super::checkpoint::Checkpoint;
use super::record::TokenRecord;
use crate::store::journal::JournalBody;
use crate::store::{CounterMove, PageKind, StoreError, TokenRow, TokenSlot};
use crate::types::Counters;

/// Where a row went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placed {
    /// Behind all others.
    Behind,
    /// Where a vacant entry had been kept for it.
    Vacancy,
    /// Over an older row of its token.
    Over,
}

impl Book {
    /// Takes a row whose MAC was checked and taken off: of a token that is new, or was
    /// known before. Its profile must be there already.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it contradicts itself or what is known.
    pub fn take_row(&mut self, row: &TokenRow) -> Result<Placed, StoreError> {
        let (slot, revision) = (row.slot, row.revision);
        let record = TokenRecord::from_body(&row.body)?;
        let token = record.view.token;
        if record.view.trid != row.trid || record.revision != revision {
            return Err(StoreError::Corrupt("a row contradicts itself"));
        }
        let (profile, fresh) = self.profiles.intern(row.trid, &record.view.domain);
        if fresh.is_some() {
            return Err(StoreError::Corrupt("a row has no profile"));
        }
        let next = Entry::of(&record, profile);
        let Some(entry) = self.get_mut(slot) else {
            if self.next_slot() != Some(slot) || self.find(token).is_some() {
                return Err(StoreError::Corrupt("token rows do not follow each other"));
            }
            let pushed = self.push(next).map(|_| Placed::Behind);
            return pushed.ok_or(StoreError::Corrupt("there are more tokens than slots"));
        };
        if entry.is_vacant() {
            self.occupy(slot, next);
            return Ok(Placed::Vacancy);
        }
        if entry.number() != (token.value(), token.digit_count()) || entry.profile != profile {
            return Err(StoreError::Corrupt("a row is of another token than its page"));
        }
        (entry.expiry, entry.revision) = (record.view.expiry, revision);
        entry.status = record.view.providers.overall();
        Ok(Placed::Over)
    }

    /// Moves the counters that a group of the journal moved.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if one belongs to no token.
    pub fn replay(&mut self, body: &JournalBody<'_>, checkpoint: &mut Checkpoint) -> Result<(), StoreError> {
        for CounterMove { slot, atc } in body.issued() {
            self.counters_of(slot)?.replay_issue(atc);
            checkpoint.touch(PageKind::Counters, slot);
        }
        for CounterMove { slot, atc } in body.consumed() {
            self.counters_of(slot)?.replay_consume(atc);
            checkpoint.touch(PageKind::Counters, slot);
        }
        Ok(())
    }

    /// The counters of a token that must be there.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it is not.
    pub fn counters_of(&mut self, slot: TokenSlot) -> Result<&mut Counters, StoreError> {
        let entry = self.get_mut(slot);
        Ok(&mut entry.ok_or(StoreError::Corrupt("a counter belongs to no token"))?.counters)
    }
}
