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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::record::sample;
    use crate::types::{TokenNumber, Trid};

    const CONTRADICTS: StoreError = StoreError::Corrupt("a row contradicts itself");
    const PLACE: StoreError = StoreError::Corrupt("token rows do not follow each other");
    const OTHER: StoreError = StoreError::Corrupt("a row is of another token than its page");

    fn row(slot: u32, record: &TokenRecord) -> TokenRow {
        let (trid, revision) = (record.view.trid, record.revision);
        TokenRow { slot: TokenSlot(slot), trid, revision, body: record.to_body() }
    }

    fn numbered(number: &[u8]) -> TokenRecord {
        let mut record = sample();
        record.view.token = TokenNumber::parse(number).unwrap();
        record
    }

    /// A book that knows the samples' profile, and another requestor's.
    fn book() -> Book {
        let (mut book, record) = (Book::new(), sample());
        for trid in [record.view.trid, Trid::parse(b"40010000002").unwrap()] {
            book.profiles.intern(trid, &record.view.domain);
        }
        book
    }

    #[test]
    fn a_row_goes_behind_the_others_or_over_its_own() {
        let (mut book, mut first) = (book(), sample());
        let second = numbered(b"4895370012345689");
        assert_eq!(book.take_row(&row(0, &first)), Ok(Placed::Behind));
        assert_eq!(book.take_row(&row(1, &second)), Ok(Placed::Behind));
        first.revision += 1;
        assert_eq!(book.take_row(&row(0, &first)), Ok(Placed::Over));
        assert_eq!(book.get(TokenSlot(0)).unwrap().revision, first.revision);
        for slot in [2, 3] {
            assert_eq!(book.take_row(&row(slot, &first)), Err(PLACE), "a token twice");
        }
        assert_eq!(book.take_row(&row(3, &numbered(b"4895370012345697"))), Err(PLACE), "a gap");
        assert_eq!(book.take_row(&row(1, &first)), Err(OTHER));
        assert_eq!(book.len(), 2);
    }

    #[test]
    fn what_stands_in_a_row_twice_is_the_same() {
        let (mut book, record) = (book(), sample());
        let trid = Trid::parse(b"40010000002").unwrap();
        assert_eq!(book.take_row(&TokenRow { trid, ..row(0, &record) }), Err(CONTRADICTS));
        assert_eq!(book.take_row(&TokenRow { revision: 77, ..row(0, &record) }), Err(CONTRADICTS));
        assert_eq!(book.take_row(&row(0, &record)), Ok(Placed::Behind));
        // The same token, of another requestor.
        let mut moved = sample();
        moved.view.trid = trid;
        assert_eq!(book.take_row(&row(0, &moved)), Err(OTHER));
        moved.view.trid = Trid::parse(b"40010000003").unwrap();
        assert_eq!(book.take_row(&row(0, &moved)), Err(StoreError::Corrupt("a row has no profile")));
    }
}
