//! The sandbox issuer's own book. A payment and an order stand in it at most once: what
//! would charge anybody twice fails here, whatever went wrong before.

use rusqlite::{Connection, Transaction, params};

use super::{DbError, Payment, signed, unsigned};
use crate::types::{TokenNumber, UnixTime};

/// Writes a payment down. Says whether it was not there yet.
///
/// # Errors
/// [`DbError`], also when another payment of the order stands there.
pub(in crate::vault) fn charge(
    tx: &Transaction<'_>,
    payment: &Payment,
    token: Option<TokenNumber>,
    now: UnixTime,
) -> Result<bool, DbError> {
    let added = tx.execute(
        r#"INSERT INTO ledger (payment, "order", amount, currency, token, created) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT (payment) DO NOTHING"#,
        params![
            payment.id,
            payment.order,
            signed(payment.amount.minor_units()),
            payment.currency.code(),
            token.map(|token| token.to_string()),
            signed(now.seconds()),
        ],
    )?;
    Ok(added == 1)
}

/// How many payments stand in the book, and what they amount to.
///
/// # Errors
/// [`DbError`].
pub fn book(db: &Connection) -> Result<(u64, u64), DbError> {
    let (count, sum): (i64, i64) =
        db.query_row("SELECT count(*), coalesce(sum(amount), 0) FROM ledger", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok((unsigned(count), unsigned(sum)))
}
