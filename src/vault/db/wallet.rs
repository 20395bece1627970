//! E-wallets that customers saved.

use rusqlite::{Connection, Transaction, params};

use super::{DbError, Maybe, signed, unsigned};
use crate::types::UnixTime;

/// A saved e-wallet.
#[derive(Debug, Clone)]
pub struct Wallet {
    /// A UUID.
    pub id: String,
    /// The merchant's row.
    pub merchant: i64,
    /// The customer.
    pub customer: String,
    /// The payment that it came from; another from the same is not made.
    pub origin: String,
    /// When it was saved.
    pub created: UnixTime,
}

const SELECT: &str = "SELECT id, merchant, customer, origin, created FROM wallet";

impl Wallet {
    /// Puts it in, unless one of the same origin is there.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn add(&self, tx: &Transaction<'_>) -> Result<(), DbError> {
        tx.execute(
            "INSERT INTO wallet (id, merchant, customer, origin, created) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (origin) DO NOTHING",
            params![self.id, self.merchant, self.customer, self.origin, signed(self.created.seconds())],
        )?;
        Ok(())
    }

    /// A customer's wallet.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_id(db: &Connection, merchant: i64, customer: &str, id: &str) -> Result<Option<Self>, DbError> {
        let mut found =
            db.prepare_cached(&format!("{SELECT} WHERE merchant = ? AND customer = ? AND id = ?"))?;
        found.query_row(params![merchant, customer, id], read).maybe()
    }

    /// The wallet that came from a payment.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_origin(db: &Connection, origin: &str) -> Result<Option<Self>, DbError> {
        let mut found = db.prepare_cached(&format!("{SELECT} WHERE origin = ?"))?;
        found.query_row([origin], read).maybe()
    }

    /// A customer's wallets, the oldest first.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn of_customer(db: &Connection, merchant: i64, customer: &str) -> Result<Vec<Self>, DbError> {
        let mut found = db
            .prepare_cached(&format!("{SELECT} WHERE merchant = ? AND customer = ? ORDER BY pk LIMIT 100"))?;
        let rows = found.query_map(params![merchant, customer], read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn read(row: &rusqlite::Row<'_>) -> Result<Wallet, rusqlite::Error> {
    Ok(Wallet {
        id: row.get(0)?,
        merchant: row.get(1)?,
        customer: row.get(2)?,
        origin: row.get(3)?,
        created: UnixTime::from_seconds(unsigned(row.get(4)?)),
    })
}
