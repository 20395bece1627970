//! A node as the tests drive it: a store, and all that it has seen of the log.

use std::time::{Duration, Instant};

use tallystick::store::postgres::{PostgresConfig, PostgresStore};
use tallystick::store::{
    ChainHead, Follow, Followed, Group, GroupNumber, PageKind, Record, Store, StoreError, TokenRow,
};

use crate::sample::Content;
use crate::server::shared;

/// What a group told whoever followed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    pub number: u64,
    pub epoch: u64,
    pub before: [u8; 32],
    pub marks: Vec<u8>,
    pub body: Vec<u8>,
    pub mac: [u8; 32],
    pub tokens: Vec<TokenRow>,
    pub records: Vec<Record>,
    pub pages: Vec<(PageKind, u32)>,
}

impl Met {
    /// What a group that was appended should tell.
    pub fn of(group: &Group) -> Self {
        Self {
            number: group.number.0,
            epoch: group.epoch.0,
            before: group.before,
            marks: group.marks(),
            body: group.body.clone(),
            mac: group.mac,
            tokens: group.tokens.clone(),
            records: group.records.clone(),
            pages: group.pages.iter().map(|page| (page.kind, page.number)).collect(),
        }
    }
}

/// All groups that a node has seen, its own and others', in their order.
#[derive(Debug, Default)]
pub struct Log(pub Vec<Met>);

impl Follow for Log {
    fn follow(&mut self, followed: Followed<'_>) -> Result<(), StoreError> {
        let group = followed.group;
        self.0.push(Met {
            number: group.number.0,
            epoch: group.epoch.0,
            before: group.before,
            marks: group.marks.to_vec(),
            body: group.body.to_vec(),
            mac: group.mac,
            tokens: followed.tokens,
            records: followed.records,
            pages: followed.pages,
        });
        Ok(())
    }
}

pub struct Node {
    pub store: PostgresStore,
    /// What came after the opening.
    pub log: Log,
    before: ChainHead,
    mark: u8,
}

impl Node {
    pub fn open(database: &str, name: &str) -> Self {
        Self::with(&shared().config(database, name))
    }

    pub fn with(config: &PostgresConfig) -> Self {
        let mut store = PostgresStore::open(config).unwrap();
        let loaded = crate::load::loaded(&mut store).journal;
        let last = loaded.last_key_value();
        let before = last.map_or(ChainHead::START, |(number, group)| ChainHead {
            number: GroupNumber(*number),
            mac: group.mac,
        });
        let mark = config.node.as_str().bytes().fold(7, u8::wrapping_add);
        Self { store, log: Log::default(), before, mark }
    }

    pub fn turn(&mut self) -> Result<(), StoreError> {
        self.store.turn(&mut self.log)
    }

    pub fn head(&self) -> ChainHead {
        let last = self.log.0.last();
        last.map_or(self.before, |met| ChainHead { number: GroupNumber(met.number), mac: met.mac })
    }

    /// The next group of this node, with a MAC that no other's has.
    pub fn next(&self, content: &Content) -> Group {
        let head = self.head();
        let mut group = content.group(head.number.0 + 1, self.store.epoch());
        group.before = head.mac;
        group.mac[30] = self.mark;
        group
    }

    pub fn append(&mut self, content: &Content) -> Result<(), StoreError> {
        let group = self.next(content);
        let receipt = self.store.append(&group)?;
        assert_eq!(receipt.newest(), group.number);
        self.log.0.push(Met::of(&group));
        Ok(())
    }
}

/// A configuration whose server breaks a turn that stalls so long.
pub fn hasty(database: &str, name: &str, turn: Duration) -> PostgresConfig {
    PostgresConfig { turn_timeout: turn, ..shared().config(database, name) }
}

/// Waits until a session of a database has the turn and does nothing.
pub fn until_held(database: &str) {
    let count = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND state = 'idle in transaction'"
    );
    until(&count, "1");
}

/// Waits until so many sessions of a database wait for a lock.
pub fn until_waiting(database: &str, sessions: u32) {
    let count = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND wait_event_type = 'Lock'"
    );
    until(&count, &sessions.to_string());
}

fn until(select: &str, told: &str) {
    let until = Instant::now() + Duration::from_secs(60);
    while shared().psql("postgres", select) != told {
        assert!(Instant::now() < until, "{select}");
    }
}

/// The numbers and last bytes of the MACs of a database's journal.
pub fn journal(database: &str) -> Vec<String> {
    let select = "SELECT number || ' ' || encode(substring(mac from 31), 'hex')
        FROM tallystick.journal ORDER BY number";
    shared().psql(database, select).lines().map(str::to_owned).collect()
}
