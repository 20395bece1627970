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
mod receipt;
mod sqlite;

pub use error::StoreError;
pub use group::{ChainHead, CounterMove, Epoch, Group, GroupNumber, Record, Space, TokenRow, TokenSlot};
pub use memory::{Fault, Faults, MemoryDisk, MemoryStore, Operation};
pub use receipt::CommitReceipt;
pub use sqlite::{SqliteStore, StoreLock};

use crate::types::{Counters, Trid};

/// A durable store of one keyring's tokens and counters.
///
/// Every method is called from one thread. After any error from
/// [`append`](Self::append), [`fold`](Self::fold) or [`expire`](Self::expire)
/// the store is poisoned: it refuses every further call, reads included, since
/// what a failed commit or fsync left behind cannot be known.
pub trait Store: Send {
    /// The epoch that this opening of the store drew: one more than any before.
    fn epoch(&self) -> Epoch;

    /// The receipt of everything that was durable when the store was opened or
    /// last appended to.
    fn receipt(&self) -> CommitReceipt;

    /// Hands all that is stored to `sink`: first the tokens by ascending slot,
    /// then the counters with the folded part of the journal in them, the chain
    /// head up to which they were folded, the journal groups after it in order,
    /// and last the records. Counters that never moved are left out.
    ///
    /// # Errors
    /// [`StoreError::Io`], [`StoreError::Corrupt`] or [`StoreError::Poisoned`],
    /// or what `sink` returned.
    fn load(&mut self, sink: &mut dyn Load) -> Result<(), StoreError>;

    /// Makes a group durable: its journal body, token rows and records, all or
    /// nothing. When it returns, a power loss can no longer undo it.
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

    /// Bytes of journal bodies that a start would have to replay.
    fn journal_bytes(&self) -> u64;

    /// Writes the journal into the packed counters and removes it, in one
    /// transaction. Loading gives the same before and after.
    ///
    /// # Errors
    /// As [`append`](Self::append); a failed fold poisons the store too.
    fn fold(&mut self) -> Result<(), StoreError>;

    /// Removes records whose expiry lies at or before `now` (unix seconds).
    ///
    /// # Errors
    /// As [`append`](Self::append).
    fn expire(&mut self, now: u64) -> Result<(), StoreError>;
}

/// Takes what a store holds when it is loaded. An error ends the loading.
pub trait Load {
    /// A token row.
    ///
    /// # Errors
    /// Why the row cannot be taken.
    fn token(&mut self, row: TokenRow) -> Result<(), StoreError>;

    /// The counters of a token with the folded journal in them.
    ///
    /// # Errors
    /// Why they cannot be taken.
    fn counters(&mut self, slot: TokenSlot, counters: Counters) -> Result<(), StoreError>;

    /// The chain head up to which the journal is folded.
    ///
    /// # Errors
    /// Why it cannot be taken.
    fn folded(&mut self, head: ChainHead) -> Result<(), StoreError>;

    /// A journal group after the folded head: its number, the epoch that wrote
    /// it, its body and its chain MAC.
    ///
    /// # Errors
    /// Why it cannot be taken, for example a broken chain.
    fn journal(
        &mut self,
        number: GroupNumber,
        epoch: Epoch,
        body: &[u8],
        mac: [u8; 32],
    ) -> Result<(), StoreError>;

    /// A record.
    ///
    /// # Errors
    /// Why it cannot be taken.
    fn record(&mut self, record: Record) -> Result<(), StoreError>;
}
