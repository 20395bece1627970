//! What a store should hold, kept in the simplest way.

use std::collections::{BTreeMap, BTreeSet};

use tallystick::store::journal::{marks, read_marks};
use tallystick::store::{Epoch, Group, PageKind, Record, Space, TokenRow};
use tallystick::types::UnixTime;

/// A journal group as it should be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub epoch: Epoch,
    pub before: [u8; 32],
    pub marks: Vec<u8>,
    pub body: Vec<u8>,
    pub mac: [u8; 32],
}

/// Everything that groups made durable, and what of the journal is left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Model {
    pub tokens: BTreeMap<u32, TokenRow>,
    pub pages: BTreeMap<(PageKind, u32), Vec<u8>>,
    pub records: BTreeMap<(Space, Vec<u8>), Record>,
    pub journal: BTreeMap<u64, Stored>,
}

impl Model {
    pub fn next_number(&self) -> u64 {
        self.head() + 1
    }

    /// The number of the newest group.
    pub fn head(&self) -> u64 {
        self.journal.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// Bytes of the bodies in the journal.
    pub fn journal_bytes(&self) -> u64 {
        self.journal.values().map(|group| group.body.len() as u64).sum()
    }

    /// Takes a group; it removes at most `removed` old ones.
    pub fn apply(&mut self, group: &Group, removed: u64) {
        let Group { epoch, before, mac, .. } = *group;
        let stored = Stored { epoch, before, marks: marks(&group.tokens), body: group.body.clone(), mac };
        self.journal.insert(group.number.0, stored);
        let oldest = *self.journal.first_key_value().unwrap().0;
        let until = group.keep_from.0.min(group.number.0).min(oldest.saturating_add(removed));
        self.journal.retain(|number, _| *number >= until);
        for row in &group.tokens {
            self.tokens.insert(row.slot.0, row.clone());
        }
        for page in &group.pages {
            self.pages.insert((page.kind, page.number), page.body.clone());
        }
        for record in &group.records {
            let key = (record.space, record.key.clone());
            match record.body {
                Some(_) => self.records.insert(key, record.clone()),
                None => self.records.remove(&key),
            };
        }
    }

    pub fn expire(&mut self, now: u64) {
        let now = UnixTime::from_seconds(now);
        self.records.retain(|_, record| record.expires.is_none_or(|expires| expires > now));
    }

    /// What a load hands out: of the rows, those that the journal marks.
    pub fn visible(&self) -> Self {
        let marked: BTreeSet<_> = self
            .journal
            .values()
            .flat_map(|group| read_marks(&group.marks).unwrap().map(|(slot, _)| slot.0))
            .collect();
        let mut visible = self.clone();
        visible.tokens.retain(|slot, _| marked.contains(slot));
        visible
    }
}
