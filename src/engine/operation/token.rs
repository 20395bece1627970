//! What operations share: finding a token, its row, and writing it back.

use super::{Fetched, Need, Stop};
use crate::command::{Caller, Refusal, TokenView};
use crate::engine::authentic::Authentic;
use crate::engine::book::Entry;
use crate::engine::profiles::Profile;
use crate::engine::record::TokenRecord;
use crate::engine::{Engine, Unsealed};
use crate::store::{PageKind, TokenRow, TokenSlot};
use crate::types::{TokenNumber, TokenStatus, UnixTime};

impl Entry {
    /// Whether the token may be paid with at `now`.
    pub(super) fn check_usable(&self, now: UnixTime) -> Result<(), Refusal> {
        match self.status {
            TokenStatus::Initiated => Err(Refusal::TokenInitiated),
            TokenStatus::Suspended => Err(Refusal::TokenSuspended),
            TokenStatus::Deactivated(_) => Err(Refusal::TokenDeactivated),
            TokenStatus::Active if self.expiry.is_past(now) => Err(Refusal::TokenExpired),
            TokenStatus::Active => Ok(()),
        }
    }
}

/// Revisions that only sealing anew, once for each version of a key, and the end of a
/// token may take.
const KEPT_REVISIONS: u16 = 256;

impl TokenRecord {
    /// Whether it may be changed once more and still be sealed anew, and ended.
    pub(super) fn check_changeable(&self) -> Result<(), Refusal> {
        let last = u16::MAX - KEPT_REVISIONS;
        if self.revision < last { Ok(()) } else { Err(Refusal::RevisionExhausted) }
    }
}

impl Engine<Unsealed> {
    /// A token that the caller may act for.
    pub(super) fn find(&self, caller: &Caller, token: TokenNumber) -> Result<(TokenSlot, &Entry), Refusal> {
        let book = &self.state.book;
        let slot = book.find(token).ok_or(Refusal::UnknownToken)?;
        let entry = book.get(slot).ok_or(Refusal::UnknownToken)?;
        let allowed = caller.may_act_for(self.profile(entry)?.trid);
        if allowed { Ok((slot, entry)) } else { Err(Refusal::TridNotAllowed) }
    }

    /// The profile of an entry. Each has one.
    pub(super) fn profile(&self, entry: &Entry) -> Result<&Profile, Refusal> {
        self.state.book.profiles.get(entry.profile).ok_or(Refusal::Stopped)
    }

    /// Opens a row that was fetched.
    pub(super) fn opened(&self, row: &TokenRow) -> Result<TokenRecord, Refusal> {
        let row = row.clone().opened(&self.state.keyring.audit).map_err(|_| Refusal::Stopped)?;
        TokenRecord::from_body(&row.body).map_err(|_| Refusal::Stopped)
    }

    /// The whole record of a token: one that is not durable yet, or the fetched
    /// row if it is not stale.
    pub(super) fn record(&self, slot: TokenSlot, fetched: &Fetched) -> Result<TokenRecord, Stop> {
        let book = &self.state.book;
        if let Some(kept) = book.kept_row(slot) {
            return Ok(kept.clone());
        }
        match fetched {
            Fetched::Row(row) if row.slot == slot => {
                let record = self.opened(row)?;
                let current = book.get(slot).is_some_and(|entry| entry.revision == record.revision);
                if current { Ok(record) } else { Err(Stop::Fetch(Need::Row(slot))) }
            }
            Fetched::Missing => Err(Refusal::Stopped.into()),
            _ => Err(Stop::Fetch(Need::Row(slot))),
        }
    }

    /// The record of a row as it is now, or why it cannot be read; none if the
    /// row read is stale.
    pub(in crate::engine) fn current(&self, row: &TokenRow) -> Option<Result<TokenRecord, Refusal>> {
        let book = &self.state.book;
        if let Some(kept) = book.kept_row(row.slot) {
            return Some(Ok(kept.clone()));
        }
        let is_current =
            |record: &TokenRecord| book.get(row.slot).is_some_and(|entry| entry.revision == record.revision);
        let opened = self.opened(row);
        if opened.as_ref().is_ok_and(|record| !is_current(record)) { None } else { Some(opened) }
    }

    /// Finds a token and its whole record.
    pub(super) fn find_record(
        &self,
        caller: &Caller,
        token: TokenNumber,
        fetched: &Fetched,
    ) -> Result<(TokenSlot, TokenRecord), Stop> {
        let (slot, _) = self.find(caller, token)?;
        Ok((slot, self.record(slot, fetched)?))
    }

    /// Writes a changed record into memory and the open group.
    ///
    /// # Errors
    /// [`Refusal::RevisionExhausted`]: no revision comes twice, for an old row of the
    /// same would fit again.
    pub(super) fn write(&mut self, slot: TokenSlot, mut record: TokenRecord) -> Result<(), Refusal> {
        record.revision = record.revision.checked_add(1).ok_or(Refusal::RevisionExhausted)?;
        if let Some(entry) = self.state.book.get_mut(slot) {
            entry.revision = record.revision;
            entry.status = record.view.providers.overall();
            entry.expiry = record.view.expiry;
        }
        self.put_row(slot, record);
        Ok(())
    }

    /// Puts a record into the open group and keeps it until that is durable.
    pub(super) fn put_row(&mut self, slot: TokenSlot, record: TokenRecord) {
        let state = &mut self.state;
        let (trid, revision) = (record.view.trid, record.revision);
        state.open.tokens.push(TokenRow { slot, trid, revision, body: record.to_body() });
        state.checkpoint.touch(PageKind::Tokens, slot);
        state.book.keep_row(slot, state.number, record);
    }

    /// What is shown of a record: a PAR that is linked wins over the derived one.
    pub(super) fn shown(&self, record: &TokenRecord) -> TokenView {
        let mut view = record.view.clone();
        if let Some(par) = self.state.par_links.get(view.fingerprint.as_bytes()) {
            view.par = par.clone();
        }
        view
    }
}
