//! What a store should hold, kept in the simplest way.

use std::collections::BTreeMap;

use tallystick::store::journal::JournalBody;
use tallystick::store::{ChainHead, Group, Record, Space, TokenRow};
use tallystick::types::{Counters, UnixTime};

/// Everything that groups made durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    pub tokens: BTreeMap<u32, TokenRow>,
    pub counters: BTreeMap<u32, Counters>,
    pub records: BTreeMap<(Space, Vec<u8>), Record>,
    pub head: ChainHead,
}

impl Default for Model {
    fn default() -> Self {
        Self {
            tokens: BTreeMap::new(),
            counters: BTreeMap::new(),
            records: BTreeMap::new(),
            head: ChainHead::START,
        }
    }
}

impl Model {
    pub fn next_number(&self) -> u64 {
        self.head.number.0 + 1
    }

    pub fn apply(&mut self, group: &Group) {
        self.replay(&group.body);
        for row in &group.tokens {
            self.tokens.insert(row.slot.0, row.clone());
        }
        for record in &group.records {
            let key = (record.space, record.key.clone());
            match record.body {
                Some(_) => self.records.insert(key, record.clone()),
                None => self.records.remove(&key),
            };
        }
        self.head = ChainHead { number: group.number, mac: group.mac };
    }

    pub fn replay(&mut self, body: &[u8]) {
        let body = JournalBody::decode(body).unwrap();
        for moved in body.issued() {
            self.counters.entry(moved.slot.0).or_default().replay_issue(moved.atc);
        }
        for moved in body.consumed() {
            self.counters.entry(moved.slot.0).or_default().replay_consume(moved.atc);
        }
    }

    pub fn expire(&mut self, now: u64) {
        let now = UnixTime::from_seconds(now);
        self.records.retain(|_, record| record.expires.is_none_or(|expires| expires > now));
    }
}
