//! What is to be told to merchants: written in the transaction of what happened, sent
//! until it is taken.

use rusqlite::{Connection, Transaction, params};

use super::{DbError, Maybe, signed, unsigned};
use crate::types::UnixTime;

/// So many tries of one event others wait for: half a minute.
const IN_ORDER: u32 = 5;

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
    /// When it was put in.
    pub created: UnixTime,
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

    /// Merchants to whom something is due.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn waiting(db: &Connection, now: UnixTime) -> Result<Vec<i64>, DbError> {
        let mut found =
            db.prepare_cached("SELECT DISTINCT merchant FROM event WHERE ended IS NULL AND due <= ?")?;
        let rows = found.query_map([signed(now.seconds())], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// A merchant's oldest event that is due. Younger ones wait for one that was refused a
    /// few times; one that is refused for longer must not keep back all others.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn next_of(db: &Connection, merchant: i64, now: UnixTime) -> Result<Option<Self>, DbError> {
        let mut found = db.prepare_cached(
            "SELECT pk, merchant, id, body, tries, created FROM event e
             WHERE merchant = ?1 AND ended IS NULL AND due <= ?2 AND NOT EXISTS (
                 SELECT 1 FROM event o WHERE o.merchant = ?1 AND o.ended IS NULL AND o.pk < e.pk AND o.tries < ?3
             ) ORDER BY pk LIMIT 1",
        )?;
        let row = found.query_row(params![merchant, signed(now.seconds()), IN_ORDER], |row| {
            Ok(Self {
                pk: row.get(0)?,
                merchant: row.get(1)?,
                id: row.get(2)?,
                body: row.get(3)?,
                tries: row.get(4)?,
                created: UnixTime::from_seconds(unsigned(row.get(5)?)),
            })
        });
        row.maybe()
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
