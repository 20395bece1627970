//! The one row that orders all nodes: the newest group, and what is left of the journal.

use super::super::{ChainHead, Epoch, GroupNumber, StoreError};
use super::fault::Fault;
use super::row::{Columns, Row};
use super::session::Session;

/// The head of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// The newest group.
    pub(super) chain: ChainHead,
    /// The oldest group in the journal: the one that comes next, if there is none.
    pub(super) oldest: GroupNumber,
    /// Bytes of the journal bodies.
    pub(super) bytes: u64,
}

/// The row of `head`, and the newest epoch in it.
pub(super) fn read(row: Option<&Row>) -> Result<(Head, Epoch), StoreError> {
    read_columns(&mut row.ok_or(StoreError::Corrupt("the database has no head"))?.columns())
}

/// The same from columns: number, mac, oldest, bytes, epoch.
pub(super) fn read_columns(columns: &mut Columns<'_>) -> Result<(Head, Epoch), StoreError> {
    let chain = ChainHead { number: group_number(columns)?, mac: columns.mac()? };
    let (oldest, bytes) = (group_number(columns)?, columns.number()?);
    Ok((Head { chain, oldest, bytes }, Epoch(columns.number()?)))
}

fn group_number(columns: &mut Columns<'_>) -> Result<GroupNumber, StoreError> {
    columns.number().map(GroupNumber)
}

/// The newest epoch and the anchored one of a node, if it was ever here.
pub(super) fn read_node(session: &mut Session) -> Result<Option<(Epoch, Epoch)>, Fault> {
    let Some(row) = session.one()? else { return Ok(None) };
    let mut columns = row.columns();
    Ok(Some((Epoch(columns.number()?), Epoch(columns.number()?))))
}

impl Head {
    /// Refuses a head that lacks what this node has seen: everything up to `seen`.
    pub(super) fn check_holds(&self, seen: &ChainHead) -> Result<(), StoreError> {
        if self.chain.number < seen.number {
            return Err(StoreError::Corrupt("the store lacks a group that this node has seen"));
        }
        if self.chain.number == seen.number && self.chain.mac != seen.mac {
            return Err(StoreError::Corrupt(
                "the store has another group in place of one that this node has seen",
            ));
        }
        Ok(())
    }
}
