//! What is to be told to merchants: written in the transaction of what happened, sent
//! until it is taken.

use rusqlite::{Connection, Transaction, params};

use super::{DbError, signed, unsigned};
use crate::types::UnixTime;

/// An event to be told.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its row: events of one merchant go in this order.
    pub pk: i64,
    /// The merchant's row.
    pub merchant: i64,
    /// Its id, by which a merchant knows one that comes twice.
    pub id: String,
    /// What is sent: JSON.
    pub body: String,
    /// How often it was tried.
    pub tries: u32,
}

impl Event {
    /// Puts one in.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn add(
        tx: &Transaction<'_>,
        merchant: i64,
        id: &str,
        body: &str,
        now: UnixTime,
    ) -> Result<(), DbError> {
        tx.execute(
            "INSERT OR IGNORE INTO event (merchant, id, body, due, created) VALUES (?1, ?2, ?3, ?4, ?4)",
            params![merchant, id, body, signed(now.seconds())],
        )?;
        Ok(())
    }

    /// Events that are due, the oldest first.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn due(db: &Connection, now: UnixTime) -> Result<Vec<Self>, DbError> {
        let mut found = db.prepare_cached(
            "SELECT pk, merchant, id, body, tries FROM event WHERE ended IS NULL AND due <= ? ORDER BY pk LIMIT 100",
        )?;
        let rows = found.query_map([signed(now.seconds())], |row| {
            Ok(Self {
                pk: row.get(0)?,
                merchant: row.get(1)?,
                id: row.get(2)?,
                body: row.get(3)?,
                tries: row.get(4)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// When the next one is due.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn next_due(db: &Connection) -> Result<Option<UnixTime>, DbError> {
        let next: Option<i64> =
            db.query_row("SELECT min(due) FROM event WHERE ended IS NULL", [], |row| row.get(0))?;
        Ok(next.map(|at| UnixTime::from_seconds(unsigned(at))))
    }

    /// It was taken.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn delivered(&self, tx: &Transaction<'_>) -> Result<(), DbError> {
        tx.execute(
            "UPDATE event SET ended = 'delivered', tries = tries + 1 WHERE pk = ? AND ended IS NULL",
            [self.pk],
        )?;
        Ok(())
    }

    /// It was not taken: it is tried again then, or never.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn failed(&self, tx: &Transaction<'_>, again: Option<UnixTime>) -> Result<(), DbError> {
        let ended = if again.is_none() { Some("given_up") } else { None };
        tx.execute(
            "UPDATE event SET tries = tries + 1, due = coalesce(?, due), ended = ? WHERE pk = ? AND ended IS NULL",
            params![again.map(|at| signed(at.seconds())), ended, self.pk],
        )?;
        Ok(())
    }
}
