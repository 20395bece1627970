//! Customers of a merchant.

use rusqlite::{Connection, Transaction, params};

use super::{DbError, Maybe, signed, unsigned};
use crate::types::UnixTime;

/// A customer. What APIs that have no customers of their own name as one needs no row.
#[derive(Debug, Clone)]
pub struct Customer {
    /// The id, the merchant's or ours.
    pub id: String,
    /// The name.
    pub name: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// The telephone number.
    pub contact: Option<String>,
    /// What the merchant noted: JSON.
    pub notes: Option<String>,
    /// Since when it is known.
    pub created: UnixTime,
}

const COLUMNS: &str = "id, name, email, contact, notes, created";

impl Customer {
    /// Adds it, or leaves the one that has its id as it is. Says whether it was added.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn add(&self, tx: &Transaction<'_>, merchant: i64) -> Result<bool, DbError> {
        let added = tx.execute(
            "INSERT OR IGNORE INTO customer (merchant, id, name, email, contact, notes, created)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![
                merchant,
                self.id,
                self.name,
                self.email,
                self.contact,
                self.notes,
                signed(self.created.seconds())
            ],
        )?;
        Ok(added == 1)
    }

    /// The merchant's customer with this id.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_id(db: &Connection, merchant: i64, id: &str) -> Result<Option<Self>, DbError> {
        let mut found =
            db.prepare_cached(&format!("SELECT {COLUMNS} FROM customer WHERE merchant = ? AND id = ?"))?;
        found.query_row(params![merchant, id], read).maybe()
    }

    /// The merchant's first customer with this telephone number and e-mail address.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_contact(
        db: &Connection,
        merchant: i64,
        email: Option<&str>,
        contact: Option<&str>,
    ) -> Result<Option<Self>, DbError> {
        let mut found = db.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM customer WHERE merchant = ? AND email IS ? AND contact IS ? ORDER BY pk LIMIT 1"
        ))?;
        found.query_row(params![merchant, email, contact], read).maybe()
    }
}

fn read(row: &rusqlite::Row<'_>) -> Result<Customer, rusqlite::Error> {
    Ok(Customer {
        id: row.get(0)?,
        name: row.get(1)?,
        email: row.get(2)?,
        contact: row.get(3)?,
        notes: row.get(4)?,
        created: UnixTime::from_seconds(unsigned(row.get(5)?)),
    })
}
