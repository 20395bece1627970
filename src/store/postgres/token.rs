//! Reading token rows.

use super::super::{StoreError, TokenRow, TokenSlot};
use super::fault::Fault;
use super::row::Row;
use super::session::{Session, Statement};
use super::value::Value;
use crate::types::Trid;

/// The rows that a statement answers with.
pub(super) fn rows(
    session: &mut Session,
    statement: &Statement,
    values: &[Value<'_>],
) -> Result<Vec<TokenRow>, Fault> {
    session.call(statement, values)?;
    session.sync();
    session.send()?;
    let mut found = Vec::new();
    while let Some(answer) = session.row()? {
        found.push(row(&answer)?);
    }
    session.ready()?;
    Ok(found)
}

/// The slot behind which a listing goes on.
pub(super) fn bound(after: Option<TokenSlot>) -> Value<'static> {
    Value::Number(after.map_or(-1, |slot| i64::from(slot.0)))
}

/// The most rows of a listing.
pub(super) fn most(limit: usize) -> Value<'static> {
    Value::Number(i64::try_from(limit).unwrap_or(i64::MAX))
}

/// A row of slot, TRID, revision and body.
pub(super) fn row(row: &Row) -> Result<TokenRow, StoreError> {
    const FORM: StoreError = StoreError::Corrupt("a token row has another form");
    let mut columns = row.columns();
    Ok(TokenRow {
        slot: TokenSlot(u32::try_from(columns.number()?).map_err(|_| FORM)?),
        trid: Trid::from_value(columns.number()?).map_err(|_| FORM)?,
        revision: u16::try_from(columns.number()?).map_err(|_| FORM)?,
        body: columns.bytes()?.to_vec(),
    })
}
