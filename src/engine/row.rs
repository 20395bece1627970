//! A stored row's place in the book.

use super::book::{Book, Entry};
use super::record::TokenRecord;
use crate::store::{StoreError, TokenRow};

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
}
