//! A database in memory, as fuzzing fills and reads it.

use std::cell::RefCell;

use rusqlite::{Connection, params_from_iter};

use super::super::{Epoch, Load, StoreError};
use super::failure::failed;
use super::number::Number;
use super::{Rows, load, meta, schema, token};

const EMPTY: &str = "DELETE FROM journal; DELETE FROM page; DELETE FROM token; DELETE FROM record";

thread_local! {
    static DATABASE: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

/// Puts the rows of a snapshot into an empty database, as `tally restore` does, and
/// hands what that holds to `sink`, as a start does.
pub(crate) fn load_rows(rows: &[u8], sink: &mut dyn Load) -> Result<(), StoreError> {
    DATABASE.with_borrow_mut(|database| {
        let connection = match database {
            Some(connection) => connection,
            None => {
                let mut connection = Connection::open_in_memory().map_err(failed)?;
                schema::create(&mut connection)?;
                database.insert(connection)
            }
        };
        connection.execute_batch(EMPTY).map_err(failed)?;
        Rows::default().take(rows, &mut |row| {
            let mut statement = connection.prepare_cached(row.table.write).map_err(failed)?;
            statement.execute(params_from_iter(row.columns)).map(drop).map_err(failed)
        })?;
        let newest = "SELECT epoch FROM meta";
        let Number(newest) = connection.query_row(newest, [], |row| row.get(0)).map_err(failed)?;
        let _ = (meta::anchored(connection)?, meta::head(connection)?, load::extent(connection)?);
        let _ = token::tokens_after(connection, None, 16)?;
        load::load(connection, Epoch(newest), sink)
    })
}
