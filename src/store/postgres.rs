//! The store on the PostgreSQL wire, which several nodes may share.
//!
//! The journal in the database is one log. A node decides only in its turn, which is a lock
//! on the head's row, after it has followed every group that others appended; appending ends
//! the turn. So all nodes are in the same state when they decide, and the database orders
//! them. What the database sees is ciphertext, counters and opaque records.

mod append;
mod carried;
mod config;
mod fault;
mod head;
mod line;
mod load;
mod log;
pub(crate) mod played;
mod row;
mod schema;
mod session;
mod side;
mod side_statement;
mod statement;
mod token;
mod turn;
mod value;
mod wire;

pub use config::{NodeName, PostgresConfig, PostgresHost, PostgresTls};
pub use schema::{ROLE_SQL, SCHEMA_SQL};
pub(super) use side::PostgresSide;

use std::sync::Arc;

use super::guard::Guard;
use super::{
    ChainHead, CommitReceipt, Epoch, Follow, Group, GroupNumber, Load, Room, Store, StoreError, StoreLock,
    TokenRow, TokenSlot,
};
use crate::types::{Trid, UnixTime};
use fault::Fault;
use head::Head;
use line::Line;
use log::Log;
use statement::{EXPIRE, NODE, SET_ANCHORED, TOKEN, TOKENS_AFTER, TOKENS_OF};
use value::{Value, number};
use wire::Connector;

/// Records removed at once: few enough that no turn waits for it.
const AT_ONCE: u32 = 256;

/// A [`Store`] in a database that other nodes may share.
///
/// Lost connections are made anew for as long as the configured patience lasts. In a turn,
/// that is good only if no other node has appended meanwhile. A commit that was not answered
/// is asked for by its number and MAC before anything else is done.
pub struct PostgresStore {
    log: Log,
    anchored: Epoch,
    wanted: bool,
    guard: Guard,
    held: Option<StoreLock>,
}

/// Where the database is, with what is needed to log in: what takes files and the name
/// service, which a confined process has no more.
#[derive(Clone)]
pub struct PostgresPlace {
    connector: Arc<Connector>,
    node: NodeName,
}

impl PostgresPlace {
    /// Reads the files and resolves the names. Nothing is connected to.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn find(config: &PostgresConfig) -> Result<Self, StoreError> {
        Ok(Self { connector: Arc::new(Connector::new(config)?), node: config.node.clone() })
    }
}

impl PostgresStore {
    /// Connects and draws this node's next epoch, which is durable when this returns. From
    /// then on an older process of the same name is fenced off.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the database cannot be reached for as long as patience lasts,
    /// refuses this node, or does not keep what it commits; [`StoreError::Schema`] if a newer
    /// version made its tables; [`StoreError::Corrupt`] if it has none, or damaged ones.
    pub fn open(config: &PostgresConfig) -> Result<Self, StoreError> {
        Self::open_at(&PostgresPlace::find(config)?)
    }

    /// The same with what was found before.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_at(place: &PostgresPlace) -> Result<Self, StoreError> {
        Self::enter(place, |log| log.draw_epoch(Epoch(0), None))
    }

    /// Connects to look at what is there, while nodes write: no epoch is drawn and no
    /// process fenced. Whoever would write with it is fenced itself.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn look_at(config: &PostgresConfig) -> Result<Self, StoreError> {
        Self::enter(&PostgresPlace::find(config)?, |_| Ok(()))
    }

    fn enter(
        place: &PostgresPlace,
        begin: impl FnOnce(&mut Log) -> Result<(), StoreError>,
    ) -> Result<Self, StoreError> {
        let line = Line::new(Arc::clone(&place.connector), place.node.clone());
        let start = Head { chain: ChainHead::START, oldest: GroupNumber(1), bytes: 0 };
        let mut log = Log { line, node: place.node.clone(), epoch: Epoch(0), head: start };
        begin(&mut log)?;
        let name = log.node.clone();
        let found = log.read(|session| {
            session.call(&NODE, &[Value::Text(name.as_str())])?;
            session.call(&statement::HEAD, &[])?;
            session.sync();
            session.send()?;
            let node = head::read_node(session)?;
            let row = session.one()?;
            let (head, _) = head::read(row.as_ref())?;
            session.ready()?;
            Ok((node.map_or(Epoch(0), |(_, anchored)| anchored), head))
        })?;
        log.head = found.1;
        Ok(Self { log, anchored: found.0, wanted: false, guard: Guard::default(), held: None })
    }

    /// The same, holding a lock as long as it is open.
    #[must_use]
    pub fn holding(self, lock: StoreLock) -> Self {
        Self { held: Some(lock), ..self }
    }
}

impl Store for PostgresStore {
    fn epoch(&self) -> Epoch {
        self.log.epoch
    }

    fn anchored(&self) -> Epoch {
        self.anchored
    }

    fn set_anchored(&mut self) -> Result<(), StoreError> {
        let Self { log, guard, .. } = self;
        let (name, epoch) = (log.node.clone(), log.epoch);
        guard.write(|| {
            let changed = log.change(Some(epoch), |session, _| {
                session.call(&SET_ANCHORED, &[Value::Text(name.as_str()), number(epoch.0)?])?;
                one_change(session)
            })?;
            if changed == 1 { Ok(()) } else { Err(StoreError::Fenced) }
        })?;
        self.anchored = epoch;
        Ok(())
    }

    fn outgrow(&mut self, epoch: Epoch) -> Result<(), StoreError> {
        let Self { log, guard, .. } = self;
        let ours = log.epoch;
        guard.write(|| log.draw_epoch(epoch.max(ours), Some(ours)))
    }

    fn receipt(&self) -> CommitReceipt {
        CommitReceipt::new(self.log.head.chain.number)
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn turn(&mut self, sink: &mut dyn Follow) -> Result<(), StoreError> {
        let Self { log, guard, .. } = self;
        guard.write(|| log.turn(sink))
    }

    fn rest(&mut self) -> Result<(), StoreError> {
        self.guard.check()?;
        self.log.rest();
        Ok(())
    }

    fn want_turn(&mut self, wanted: bool) {
        self.wanted = wanted;
    }

    fn load(&mut self, sink: &mut dyn Load) -> Result<(), StoreError> {
        self.guard.check()?;
        self.log.load(sink)
    }

    fn reserve(&mut self, _: Option<&Group>) -> Result<Room, StoreError> {
        // How much room a server has, only the server knows: a full one refuses the group.
        self.guard.check()?;
        Ok(Room::Ample)
    }

    fn append(&mut self, group: &Group) -> Result<CommitReceipt, StoreError> {
        let Self { log, wanted, guard, .. } = self;
        guard.write(|| log.append(group, *wanted))?;
        Ok(CommitReceipt::new(group.number))
    }

    fn token(&mut self, slot: TokenSlot) -> Result<Option<TokenRow>, StoreError> {
        let values = [Value::Number(i64::from(slot.0))];
        self.guard.check()?;
        self.log.read(|session| token::rows(session, &TOKEN, &values)).map(|mut rows| rows.pop())
    }

    fn tokens_of(
        &mut self,
        trid: Trid,
        after: Option<TokenSlot>,
        limit: usize,
    ) -> Result<Vec<TokenRow>, StoreError> {
        self.guard.check()?;
        let values = [number(trid.value())?, token::bound(after), token::most(limit)];
        self.log.read(|session| token::rows(session, &TOKENS_OF, &values))
    }

    fn tokens_after(&mut self, after: Option<TokenSlot>, limit: usize) -> Result<Vec<TokenRow>, StoreError> {
        self.guard.check()?;
        let values = [token::bound(after), token::most(limit)];
        self.log.read(|session| token::rows(session, &TOKENS_AFTER, &values))
    }

    fn journal_bytes(&self) -> u64 {
        self.log.head.bytes
    }

    fn expire(&mut self, now: u64) -> Result<bool, StoreError> {
        let Self { log, guard, .. } = self;
        let now = Value::Number(append::stored_time(UnixTime::from_seconds(now)));
        let ours = log.epoch;
        let removed = guard.write(|| {
            log.change(Some(ours), |session, _| {
                session.call(&EXPIRE, &[now, Value::Number(i64::from(AT_ONCE))])?;
                one_change(session)
            })
        })?;
        Ok(removed == u64::from(AT_ONCE))
    }
}

/// Sends one call, and says how many rows it changed.
fn one_change(session: &mut session::Session) -> Result<u64, Fault> {
    session.sync();
    session.send()?;
    let changed = session.count()?;
    session.ready()?;
    Ok(changed)
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Log { node, epoch, head, .. } = &self.log;
        f.debug_struct("PostgresStore")
            .field("node", node)
            .field("epoch", epoch)
            .field("head", &head.chain)
            .field("holds a lock", &self.held.is_some())
            .finish_non_exhaustive()
    }
}
