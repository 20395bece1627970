//! What survives a memory store: the durable state.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::journal::JournalBody;
use super::super::{
    ChainHead, Epoch, Group, GroupNumber, Load, Record, Space, StoreError, TokenRow, TokenSlot,
};
use super::{Faults, Operation};
use crate::types::{Counters, Trid, UnixTime};

/// A disk in memory, shared by its clones: all that reopening a store sees.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk(Arc<Mutex<State>>);

impl MemoryDisk {
    /// An empty disk.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives the disk a plan of faults in place of the one it had.
    pub fn plan(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// A copy as it stands, without the faults: a backup or a snapshot.
    #[must_use]
    pub fn backup(&self) -> Self {
        let state = State { faults: Faults::none(), ..self.state().clone() };
        Self(Arc::new(Mutex::new(state)))
    }

    /// Puts a copy back in place of what the disk holds; its plan of faults stays.
    pub fn restore(&self, backup: &Self) {
        let copy = backup.state().clone();
        let mut state = self.state();
        let faults = std::mem::take(&mut state.faults);
        *state = State { faults, ..copy };
    }

    /// The durable state, locked.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // No change here can panic half-way, so what a panicking test leaves is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A journal row.
#[derive(Debug, Clone)]
struct Row {
    epoch: Epoch,
    body: Vec<u8>,
    mac: [u8; 32],
}

/// The content of a record.
#[derive(Debug, Clone)]
struct Kept {
    expires: Option<UnixTime>,
    body: Vec<u8>,
}

/// The durable state.
#[derive(Debug, Clone)]
pub(super) struct State {
    epoch: Epoch,
    folded: ChainHead,
    journal: BTreeMap<GroupNumber, Row>,
    counters: BTreeMap<TokenSlot, Counters>,
    tokens: BTreeMap<TokenSlot, TokenRow>,
    records: BTreeMap<(Space, Vec<u8>), Kept>,
    faults: Faults,
}

impl Default for State {
    fn default() -> Self {
        Self {
            epoch: Epoch(0),
            folded: ChainHead::START,
            journal: BTreeMap::new(),
            counters: BTreeMap::new(),
            tokens: BTreeMap::new(),
            records: BTreeMap::new(),
            faults: Faults::none(),
        }
    }
}

impl State {
    /// Counts an operation, makes the change unless its planned fault forbids it,
    /// and reports the fault.
    pub(super) fn strike(
        &mut self,
        operation: Operation,
        change: impl FnOnce(&mut Self) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let fault = self.faults.next(operation);
        if fault.is_none_or(super::Fault::is_durable) {
            change(self)?;
        }
        fault.map_or(Ok(()), |fault| Err(fault.error()))
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub(super) fn draw_epoch(&mut self) -> Epoch {
        self.epoch = Epoch(self.epoch.0.saturating_add(1));
        self.epoch
    }

    pub(super) fn head(&self) -> ChainHead {
        let last = self.journal.last_key_value();
        last.map_or(self.folded, |(number, row)| ChainHead { number: *number, mac: row.mac })
    }

    pub(super) fn append(&mut self, group: &Group) -> Result<(), StoreError> {
        let row = Row { epoch: group.epoch, body: group.body.clone(), mac: group.mac };
        self.journal.insert(group.number, row);
        self.tokens.extend(group.tokens.iter().map(|row| (row.slot, row.clone())));
        for Record { space, key, expires, body } in &group.records {
            let key = (*space, key.clone());
            match body {
                Some(body) => self.records.insert(key, Kept { expires: *expires, body: body.clone() }),
                None => self.records.remove(&key),
            };
        }
        Ok(())
    }

    pub(super) fn fold(&mut self) -> Result<(), StoreError> {
        let mut counters = self.counters.clone();
        for row in self.journal.values() {
            let body = JournalBody::decode(&row.body).map_err(|_| StoreError::Corrupt("a journal body"))?;
            for moved in body.issued() {
                counters.entry(moved.slot).or_default().replay_issue(moved.atc);
            }
            for moved in body.consumed() {
                counters.entry(moved.slot).or_default().replay_consume(moved.atc);
            }
        }
        self.folded = self.head();
        self.counters = counters;
        self.journal.clear();
        Ok(())
    }

    pub(super) fn expire(&mut self, now: UnixTime) {
        self.records.retain(|_, kept| kept.expires.is_none_or(|expires| expires > now));
    }

    pub(super) fn journal_bytes(&self) -> u64 {
        self.journal.values().filter_map(|row| u64::try_from(row.body.len()).ok()).sum()
    }

    pub(super) fn token(&self, slot: TokenSlot) -> Option<TokenRow> {
        self.tokens.get(&slot).cloned()
    }

    pub(super) fn tokens_of(&self, trid: Trid, after: Option<TokenSlot>, limit: usize) -> Vec<TokenRow> {
        let rows = self.tokens.values();
        rows.filter(|row| row.trid == trid && after.is_none_or(|after| row.slot > after))
            .take(limit)
            .cloned()
            .collect()
    }

    pub(super) fn tokens_after(&self, after: Option<TokenSlot>, limit: usize) -> Vec<TokenRow> {
        let rows = self.tokens.values().filter(|row| after.is_none_or(|after| row.slot > after));
        rows.take(limit).cloned().collect()
    }

    /// Hands everything to `sink` in the order of [`Store::load`](crate::store::Store::load).
    pub(super) fn load(self, sink: &mut dyn Load) -> Result<(), StoreError> {
        self.tokens.into_values().try_for_each(|row| sink.token(row))?;
        self.counters.into_iter().try_for_each(|(slot, counters)| sink.counters(slot, counters))?;
        sink.folded(self.folded)?;
        for (number, row) in self.journal {
            sink.journal(number, row.epoch, &row.body, row.mac)?;
        }
        self.records.into_iter().try_for_each(|((space, key), Kept { expires, body })| {
            sink.record(Record { space, key, expires, body: Some(body) })
        })
    }
}
