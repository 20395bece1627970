//! The turn: the head's row, locked, and all that others appended before.

use super::super::journal::read_marks;
use super::super::{ChainHead, Epoch, Follow, Followed, GroupNumber, StoreError, StoredGroup};
use super::fault::Fault;
use super::head::{self, Head};
use super::row::{Columns, Row};
use super::session::Session;
use super::statement::{BEGIN, GROUPS_AFTER, LOCK_HEAD, NODE};
use super::value::{Value, number};
use super::{carried, load};

/// Where this node stands in its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is not this node's turn.
    Away,
    /// The turn was asked for, and nobody has looked yet whether it came.
    Asked,
    /// It is this node's turn.
    Held,
    /// It was, and the connection was lost. Something may have been decided in it.
    Lost,
}

/// What the lock gave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// The head, which nobody else can move now.
    pub(super) head: Head,
    /// The newest epoch of all.
    pub(super) newest: Epoch,
    /// The newest epoch of this node's name.
    pub(super) node: Option<Epoch>,
}

/// Writes the asking for a turn and for every group after one. It is answered when no
/// other node has the turn.
pub(super) fn ask(session: &mut Session, node: &str, after: GroupNumber) -> Result<(), Fault> {
    session.call(&BEGIN, &[])?;
    session.call(&LOCK_HEAD, &[])?;
    session.call(&NODE, &[Value::Text(node)])?;
    session.call(&GROUPS_AFTER, &[number(after.0)?])?;
    session.sync();
    Ok(())
}

/// Reads the answer up to the groups, which are to be read next, and then that the
/// session is ready.
pub(super) fn found(session: &mut Session) -> Result<Found, Fault> {
    session.done("BEGIN")?;
    let row = session.one()?;
    let (head, newest) = head::read(row.as_ref())?;
    let node = head::read_node(session)?.map(|(epoch, _)| epoch);
    Ok(Found { head, newest, node })
}

/// Reads the groups to their end and hands them to `sink`, each after `seen`, which moves
/// along: so what was followed is known even if the connection breaks.
pub(super) fn follow(
    session: &mut Session,
    found: &Found,
    seen: &mut ChainHead,
    sink: &mut dyn Follow,
) -> Result<(), Fault> {
    found.head.check_holds(seen)?;
    while let Some(row) = session.row()? {
        let group = followed(&row, found.newest)?;
        let StoredGroup { number, before, mac, .. } = group.group;
        if seen.number.0.checked_add(1) != Some(number.0) {
            // The groups between are gone, so this node cannot catch up any more.
            return Err(StoreError::Fenced.into());
        }
        if before != seen.mac {
            return Err(StoreError::Corrupt("a group does not follow the one before").into());
        }
        sink.follow(group)?;
        *seen = ChainHead { number, mac };
    }
    session.ready()?;
    if *seen == found.head.chain {
        return Ok(());
    }
    Err(StoreError::Corrupt("the head is not the last group of the journal").into())
}

fn followed(row: &Row, newest: Epoch) -> Result<Followed<'_>, StoreError> {
    let mut columns = row.columns();
    Ok(Followed {
        group: group(&mut columns, newest)?,
        tokens: carried::tokens(columns.bytes()?)?,
        records: carried::records(columns.bytes()?)?,
        pages: carried::pages(columns.bytes()?)?,
    })
}

/// The columns of a group: number, epoch, before, marks, body, mac.
pub(super) fn group<'a>(columns: &mut Columns<'a>, newest: Epoch) -> Result<StoredGroup<'a>, StoreError> {
    let group = StoredGroup {
        number: GroupNumber(columns.number()?),
        epoch: Epoch(columns.number()?),
        before: columns.mac()?,
        marks: columns.bytes()?,
        body: columns.bytes()?,
        mac: columns.mac()?,
    };
    if group.epoch > newest {
        return Err(StoreError::Corrupt("a journal row has an epoch that was never drawn"));
    }
    read_marks(group.marks).map(drop).map_err(|_| load::MARKS)?;
    load::check_body(group.body)?;
    Ok(group)
}
