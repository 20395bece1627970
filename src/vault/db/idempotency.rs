//! What was answered to which idempotency key: the answer is stored in the same
//! transaction as its effect.

use rusqlite::{Connection, Transaction, params};

use super::{DbError, Maybe, signed};
use crate::types::UnixTime;
use crate::vault::body::Digest;

/// How long an answer is kept, in seconds: a day and an hour more.
const KEPT: u64 = 25 * 3600;

/// A request with an idempotency key.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The merchant's row; keys of different merchants have nothing to do with each other.
    pub merchant: i64,
    /// The operation, also with the id of what it is about.
    pub operation: &'a str,
    /// The key.
    pub key: &'a str,
    /// What the request says.
    pub digest: Digest,
}

/// An answer that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

/// What there was before a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// The same request: this is its answer.
    Same(Stored),
    /// Another request with the same key.
    Other,
}

impl Asked<'_> {
    /// What there was before.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn before(&self, db: &Connection, now: UnixTime) -> Result<Before, DbError> {
        let mut found = db.prepare_cached(
            "SELECT digest, status, body FROM idempotency
             WHERE merchant = ? AND operation = ? AND key = ? AND created > ?",
        )?;
        let oldest = signed(now.seconds().saturating_sub(KEPT));
        let row = found
            .query_row(params![self.merchant, self.operation, self.key, oldest], |row| {
                Ok((row.get::<_, Digest>(0)?, Stored { status: row.get(1)?, body: row.get(2)? }))
            })
            .maybe()?;
        Ok(match row {
            None => Before::Nothing,
            Some((digest, stored)) if digest == self.digest => Before::Same(stored),
            Some(_) => Before::Other,
        })
    }

    /// Keeps the answer.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn answer(&self, tx: &Transaction<'_>, answer: &Stored, now: UnixTime) -> Result<(), DbError> {
        // A few old ones go with each new one.
        tx.execute(
            "DELETE FROM idempotency WHERE (merchant, operation, key) IN
             (SELECT merchant, operation, key FROM idempotency WHERE created <= ? LIMIT 4)",
            params![signed(now.seconds().saturating_sub(KEPT))],
        )?;
        tx.execute(
            "INSERT OR REPLACE INTO idempotency (merchant, operation, key, digest, status, body, created)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            params![
                self.merchant,
                self.operation,
                self.key,
                self.digest,
                answer.status,
                answer.body,
                signed(now.seconds())
            ],
        )?;
        Ok(())
    }
}
