//! Where counters, tokens and records are made durable.
//!
//! A store sees ciphertext, counters and opaque records only. It is used by one
//! thread, the committer, and takes whole commit groups: all of a group becomes
//! durable or nothing of it. Only a store can make a [`CommitReceipt`], and only
//! a receipt opens the replies of a group.

mod error;
mod group;
mod guard;
pub mod journal;
mod memory;
#[cfg(feature = "postgres")]
mod migration;
#[cfg(feature = "postgres")]
pub mod postgres;
mod receipt;
pub(crate) mod sqlite;

pub use error::StoreError;
pub use group::{
    ChainHead, CounterMove, Epoch, Group, GroupNumber, Page, PageKind, Record, Space, TokenRow, TokenSlot,
};
pub use memory::{Fault, Faults, MemoryDisk, MemoryStore, Operation};
#[cfg(feature = "postgres")]
pub use migration::Migration;
pub use receipt::CommitReceipt;
pub use sqlite::{
    Disk, Grip, Held, Import, LogLimits, RealDisk, Row, Rows, Snapshot, SqliteStore, StoreLock,
};

use crate::types::Trid;

/// A durable store of one keyring's tokens and counters.
///
/// Every method is called from one thread. After any error from
/// [`append`](Self::append), [`reserve`](Self::reserve) or
/// [`expire`](Self::expire) the store is poisoned: it refuses every further call,
/// reads included, since what a failed commit or fsync left behind cannot be
/// known.
pub trait Store: Send {
    /// The epoch that this opening of the store drew: one more than any before.
    fn epoch(&self) -> Epoch;

    /// The newest epoch of which the anchor had been told when the store was
    /// opened, or since.
    fn anchored(&self) -> Epoch;

    /// Says that the anchor was told of this epoch.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    fn set_anchored(&mut self) -> Result<(), StoreError>;

    /// Draws an epoch above `epoch`, which another copy of the store may have
    /// drawn already.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    fn outgrow(&mut self, epoch: Epoch) -> Result<(), StoreError>;

    /// The receipt of everything that was durable when the store was opened or
    /// last appended to.
    fn receipt(&self) -> CommitReceipt;

    /// Whether other nodes write to the store as well. Then nothing may be decided but in
    /// a [`turn`](Self::turn).
    fn is_shared(&self) -> bool {
        false
    }

    /// Takes the turn: until this node appends or [`rest`](Self::rest)s, no other
    /// appends. Hands every group that others have appended since this node last looked
    /// to `sink`, in order; from then on [`receipt`](Self::receipt) covers them. Waits
    /// for other nodes' turns. A store of one's own is always at turn.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if this node's place was taken, or groups that it has not
    /// seen are gone already; [`StoreError::Corrupt`] if the store lacks a group that this
    /// node has seen; [`StoreError::Io`], [`StoreError::Poisoned`], or what `sink`
    /// returned, after which the store is poisoned.
    fn turn(&mut self, sink: &mut dyn Follow) -> Result<(), StoreError> {
        let _ = sink;
        Ok(())
    }

    /// Gives the turn back without having appended. Nothing was decided in it.
    ///
    /// # Errors
    /// [`StoreError::Io`] or [`StoreError::Poisoned`].
    fn rest(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Says whether another turn is wanted right after the next append, so that a shared
    /// store may ask for it in the same breath. Who wants one takes it, or
    /// [`rest`](Self::rest)s: other nodes wait for that.
    fn want_turn(&mut self, wanted: bool) {
        let _ = wanted;
    }

    /// Hands all that is stored to `sink`: first the records, then the token
    /// pages, then by ascending slot the rows that any group of the journal wrote,
    /// then the counter pages, last the journal's groups in order.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Corrupt`] or [`StoreError::Poisoned`],
    /// or what `sink` returned.
    fn load(&mut self, sink: &mut dyn Load) -> Result<(), StoreError>;

    /// Makes room for a group before it is appended, and says how much there is.
    /// Call it before each [`append`](Self::append), and without a group now and
    /// then while room is not ample.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Corrupt`] or [`StoreError::Poisoned`].
    fn reserve(&mut self, group: Option<&Group>) -> Result<Room, StoreError>;

    /// Makes a group durable: its journal body, rows, records and pages, all or
    /// nothing. When it returns, a power loss can no longer undo it. Groups that
    /// are not kept any more are removed by and by, never the last.
    ///
    /// # Errors
    /// [`StoreError::Fenced`] if the store was opened again elsewhere,
    /// [`StoreError::OutOfOrder`] if the group does not follow the last,
    /// [`StoreError::Corrupt`] if its body is no journal body,
    /// [`StoreError::Full`], [`StoreError::Io`], [`StoreError::Poisoned`].
    fn append(&mut self, group: &Group) -> Result<CommitReceipt, StoreError>;

    /// The row of a token as last committed.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Corrupt`] or [`StoreError::Poisoned`].
    fn token(&mut self, slot: TokenSlot) -> Result<Option<TokenRow>, StoreError>;

    /// Up to `limit` rows of a requestor with slots above `after`, ascending.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Corrupt`] or [`StoreError::Poisoned`].
    fn tokens_of(
        &mut self,
        trid: Trid,
        after: Option<TokenSlot>,
        limit: usize,
    ) -> Result<Vec<TokenRow>, StoreError>;

    /// Up to `limit` rows of all requestors with slots above `after`, ascending.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Corrupt`] or [`StoreError::Poisoned`].
    fn tokens_after(&mut self, after: Option<TokenSlot>, limit: usize) -> Result<Vec<TokenRow>, StoreError>;

    /// How often a log has gone into what lies behind it since the opening.
    fn checkpoints(&self) -> u64 {
        0
    }

    /// Bytes of journal bodies that a start would have to replay.
    fn journal_bytes(&self) -> u64;

    /// Removes some of the records whose expiry lies at or before `now` (unix
    /// seconds). Whether more may be left.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    fn expire(&mut self, now: u64) -> Result<bool, StoreError>;
}

/// How much room is left on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// More than enough.
    Ample,
    /// What was reserved is being used up: this group can be appended, but no
    /// new work should be taken on.
    Scarce,
    /// The group cannot be appended. Nothing happened; ask again later.
    None,
}

/// A journal group as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredGroup<'a> {
    /// Its number.
    pub number: GroupNumber,
    /// The epoch that wrote it.
    pub epoch: Epoch,
    /// The MAC of the group before.
    pub before: [u8; 32],
    /// The marks of its rows: see [`journal::read_marks`].
    pub marks: &'a [u8],
    /// Its body: see [`journal::JournalBody`].
    pub body: &'a [u8],
    /// The MAC that chains it to the group before.
    pub mac: [u8; 32],
}

/// A group that another node appended, with everything that it wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed<'a> {
    /// The group.
    pub group: StoredGroup<'a>,
    /// The token rows that it wrote.
    pub tokens: Vec<TokenRow>,
    /// The records that it wrote or removed.
    pub records: Vec<Record>,
    /// The pages that it wrote; what they hold follows from what came before.
    pub pages: Vec<(PageKind, u32)>,
}

/// Takes what other nodes appended. An error ends the following.
pub trait Follow {
    /// The group after the last one that was followed, loaded or appended.
    ///
    /// # Errors
    /// Why it cannot be taken, for example a broken chain.
    fn follow(&mut self, group: Followed<'_>) -> Result<(), StoreError>;
}

/// Takes what a store holds when it is loaded. An error ends the loading.
pub trait Load {
    /// A record.
    ///
    /// # Errors
    /// Why it cannot be taken.
    fn record(&mut self, record: Record) -> Result<(), StoreError>;

    /// So many token pages will come: a hint.
    fn expect(&mut self, token_pages: u64) {
        let _ = token_pages;
    }

    /// A page.
    ///
    /// # Errors
    /// Why it cannot be taken.
    fn page(&mut self, kind: PageKind, number: u32, body: &[u8]) -> Result<(), StoreError>;

    /// The token pages are at their end.
    fn token_pages_end(&mut self) {}

    /// A token row that a journal group wrote.
    ///
    /// # Errors
    /// Why the row cannot be taken.
    fn token(&mut self, row: TokenRow) -> Result<(), StoreError>;

    /// A journal group.
    ///
    /// # Errors
    /// Why it cannot be taken, for example a broken chain.
    fn journal(&mut self, group: StoredGroup<'_>) -> Result<(), StoreError>;
}
