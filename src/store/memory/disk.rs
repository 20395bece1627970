//! What survives a memory store: the durable state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::super::journal::read_marks;
use super::super::{
    Epoch, Follow, Followed, Group, GroupNumber, Load, PageKind, Record, Room, Space, StoreError,
    StoredGroup, TokenRow, TokenSlot,
};
use super::{Faults, Operation};
use crate::types::{Trid, UnixTime};

/// A disk in memory, shared by its clones: all that reopening a store sees.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk(Arc<Place>);

/// The state, and a bell for nodes that wait for their turn.
#[derive(Debug, Default)]
struct Place {
    state: Mutex<State>,
    turn: Condvar,
}

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

    /// Says how much room the disk has from now on.
    pub fn set_room(&self, room: Room) {
        self.state().room = room;
    }

    /// A copy as it stands, without the faults: a backup or a snapshot.
    #[must_use]
    pub fn backup(&self) -> Self {
        let state = State { faults: Faults::none(), ..self.state().clone() };
        Self(Arc::new(Place { state: Mutex::new(state), turn: Condvar::new() }))
    }

    /// Puts a copy back in place of what the disk holds; its plan of faults stays.
    pub fn restore(&self, backup: &Self) {
        let copy = backup.state().clone();
        let mut state = self.state();
        let faults = std::mem::take(&mut state.faults);
        *state = State { faults, ..copy };
    }

    /// Takes the turn from whichever node has it, as a database does from one that stalls.
    pub fn break_turn(&self) {
        self.state().turn = None;
        self.0.turn.notify_all();
    }

    /// The durable state, locked.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // No change here can panic half-way, so what a panicking test leaves is whole.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the turn of the node with this epoch, if it has it.
    pub(super) fn end_turn(&self, epoch: Epoch) {
        self.state().end_turn(epoch);
        self.0.turn.notify_all();
    }

    /// The same, once it is the turn of the node with this epoch.
    pub(super) fn turn(&self, epoch: Epoch) -> MutexGuard<'_, State> {
        let taken = |state: &mut State| state.turn.is_some_and(|other| other != epoch);
        let waited = self.0.turn.wait_while(self.state(), taken);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.turn = Some(epoch);
        state
    }
}

/// A journal row.
#[derive(Debug, Clone)]
struct Row {
    epoch: Epoch,
    before: [u8; 32],
    marks: Vec<u8>,
    body: Vec<u8>,
    mac: [u8; 32],
    tokens: Vec<TokenRow>,
    records: Vec<Record>,
    pages: Vec<(PageKind, u32)>,
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
    anchored: Epoch,
    journal: BTreeMap<GroupNumber, Row>,
    pages: BTreeMap<(PageKind, u32), Vec<u8>>,
    tokens: BTreeMap<TokenSlot, TokenRow>,
    records: BTreeMap<(Space, Vec<u8>), Kept>,
    faults: Faults,
    room: Room,
    /// The newest epoch of each node, where several share the disk.
    nodes: BTreeMap<u32, Epoch>,
    /// The node at turn.
    turn: Option<Epoch>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            epoch: Epoch(0),
            anchored: Epoch(0),
            journal: BTreeMap::new(),
            pages: BTreeMap::new(),
            tokens: BTreeMap::new(),
            records: BTreeMap::new(),
            faults: Faults::none(),
            room: Room::Ample,
            nodes: BTreeMap::new(),
            turn: None,
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

    pub(super) fn anchored(&self) -> Epoch {
        self.anchored
    }

    pub(super) fn set_anchored(&mut self, epoch: Epoch) {
        self.anchored = epoch;
    }

    pub(super) fn room(&self) -> Room {
        self.room
    }

    pub(super) fn draw_epoch(&mut self, floor: Epoch) -> Epoch {
        self.epoch = Epoch(self.epoch.max(floor).0.saturating_add(1));
        self.epoch
    }

    pub(super) fn join(&mut self, node: u32) -> Epoch {
        let epoch = self.draw_epoch(Epoch(0));
        let before = self.nodes.insert(node, epoch);
        if before.is_some() && self.turn == before {
            self.turn = None;
        }
        epoch
    }

    /// Whether the node's place is still that of this epoch.
    pub(super) fn is_of(&self, node: u32, epoch: Epoch) -> bool {
        self.nodes.get(&node) == Some(&epoch)
    }

    fn end_turn(&mut self, epoch: Epoch) {
        self.turn = self.turn.filter(|other| *other != epoch);
    }

    /// Hands the groups after `seen` to `sink`.
    pub(super) fn follow(&self, seen: GroupNumber, sink: &mut dyn Follow) -> Result<(), StoreError> {
        let mut next = seen.0;
        for (number, row) in self.journal.range(GroupNumber(seen.0.saturating_add(1))..) {
            next = next.saturating_add(1);
            if number.0 != next {
                return Err(StoreError::Fenced);
            }
            let Row { epoch, before, marks, body, mac, tokens, records, pages } = row;
            let (number, epoch, before, mac) = (*number, *epoch, *before, *mac);
            let group = StoredGroup { number, epoch, before, marks, body, mac };
            let (tokens, records, pages) = (tokens.clone(), records.clone(), pages.clone());
            sink.follow(Followed { group, tokens, records, pages })?;
        }
        Ok(())
    }

    pub(super) fn head(&self) -> GroupNumber {
        self.journal.last_key_value().map_or(GroupNumber(0), |(number, _)| *number)
    }

    pub(super) fn append(&mut self, group: &Group) -> Result<(), StoreError> {
        let Group { epoch, before, mac, .. } = *group;
        let row = Row {
            epoch,
            before,
            marks: group.marks(),
            body: group.body.clone(),
            mac,
            tokens: group.tokens.clone(),
            records: group.records.clone(),
            pages: group.pages.iter().map(|page| (page.kind, page.number)).collect(),
        };
        self.journal.insert(group.number, row);
        self.tokens.extend(group.tokens.iter().map(|row| (row.slot, row.clone())));
        self.pages.extend(group.pages.iter().map(|page| ((page.kind, page.number), page.body.clone())));
        for Record { space, key, expires, body } in &group.records {
            let key = (*space, key.clone());
            match body {
                Some(body) => self.records.insert(key, Kept { expires: *expires, body: body.clone() }),
                None => self.records.remove(&key),
            };
        }
        self.journal = self.journal.split_off(&group.keep_from.min(group.number));
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
    pub(super) fn load(mut self, sink: &mut dyn Load) -> Result<(), StoreError> {
        self.records.into_iter().try_for_each(|((space, key), Kept { expires, body })| {
            sink.record(Record { space, key, expires, body: Some(body) })
        })?;
        let counters = self.pages.split_off(&(PageKind::Counters, 0));
        self.pages.iter().try_for_each(|((kind, number), body)| sink.page(*kind, *number, body))?;
        sink.token_pages_end();
        let mut slots = BTreeSet::new();
        for row in self.journal.values() {
            let marks = read_marks(&row.marks).map_err(|_| StoreError::Corrupt("marks"))?;
            slots.extend(marks.map(|(slot, _)| slot));
        }
        for slot in slots {
            let row = self.tokens.remove(&slot);
            sink.token(row.ok_or(StoreError::Corrupt("a row that the journal wrote is missing"))?)?;
        }
        counters.iter().try_for_each(|((kind, number), body)| sink.page(*kind, *number, body))?;
        for (number, Row { epoch, before, marks, body, mac, .. }) in &self.journal {
            let (number, epoch, before, mac) = (*number, *epoch, *before, *mac);
            sink.journal(StoredGroup { number, epoch, before, marks, body, mac })?;
        }
        Ok(())
    }
}
