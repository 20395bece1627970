//! Folding the journal into the packed counters.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Transaction};

use super::super::{CounterMove, Epoch, StoreError};
use super::chunk::Chunk;
use super::failure::failed;
use super::load::{self, JournalRow};
use super::{meta, schema};
use crate::types::Counters;

/// The chunks that a fold changes, by number: at most 16 bytes a token.
type Changed = BTreeMap<u32, Chunk>;

/// Writes the journal into the counters and removes it, in one transaction.
pub(super) fn fold(connection: &mut Connection, ours: Epoch) -> Result<(), StoreError> {
    let change = schema::begin(connection)?;
    meta::check_epoch(&change, ours)?;
    let mut changed = Changed::new();
    let head = load::journal(&change, ours, |row| replay(&change, &mut changed, row))?;
    changed.iter().try_for_each(|(number, chunk)| write(&change, *number, chunk))?;
    meta::set_folded(&change, head)?;
    change.execute("DELETE FROM journal", []).map_err(failed)?;
    change.commit().map_err(failed)
}

/// Replays a group as a start does: what it issued, then what it consumed.
fn replay(change: &Transaction<'_>, changed: &mut Changed, row: JournalRow<'_>) -> Result<(), StoreError> {
    for moved in row.body.issued() {
        counters_of(change, changed, moved)?.replay_issue(moved.atc);
    }
    for moved in row.body.consumed() {
        counters_of(change, changed, moved)?.replay_consume(moved.atc);
    }
    Ok(())
}

fn counters_of<'a>(
    change: &Transaction<'_>,
    changed: &'a mut Changed,
    moved: CounterMove,
) -> Result<&'a mut Counters, StoreError> {
    let number = Chunk::of(moved.slot);
    let chunk = match changed.entry(number) {
        std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
        std::collections::btree_map::Entry::Vacant(entry) => entry.insert(read(change, number)?),
    };
    chunk.counters_of(moved).ok_or(StoreError::Corrupt("a slot lies outside its chunk"))
}

fn read(change: &Transaction<'_>, number: u32) -> Result<Chunk, StoreError> {
    let bytes: Option<Vec<u8>> = change
        .prepare_cached("SELECT body FROM counters WHERE chunk = ?1")
        .and_then(|mut statement| statement.query_row([number], |row| row.get(0)).optional())
        .map_err(failed)?;
    bytes.map_or_else(|| Ok(Chunk::fresh(number)), |bytes| Chunk::from_bytes(number, &bytes))
}

fn write(change: &Transaction<'_>, number: u32, chunk: &Chunk) -> Result<(), StoreError> {
    change
        .prepare_cached(
            "INSERT INTO counters (chunk, body) VALUES (?1, ?2)
             ON CONFLICT (chunk) DO UPDATE SET body = excluded.body",
        )
        .and_then(|mut statement| statement.execute((number, chunk.to_bytes())))
        .map_err(failed)?;
    Ok(())
}
