//! Payment sessions.

use rusqlite::{Connection, Transaction, params};
use serde_json::Value;

use super::{DbError, Maybe, signed, unsigned};
use crate::types::{EntrySession, UnixTime};

/// How the customer gets to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// On our page.
    Redirect,
    /// On the merchant's, which encrypts the card for the engine.
    Api,
}

/// A payment session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id, which lets its bearer see its page.
    pub id: String,
    /// The merchant's row.
    pub merchant: i64,
    /// The order's row.
    pub order: i64,
    /// How the customer gets to pay.
    pub mode: Mode,
    /// The engine's session that holds the key.
    pub entry: Option<EntrySession>,
    /// The payment that was begun.
    pub payment: Option<String>,
    /// What the API keeps of it.
    pub details: Value,
    /// When it was made.
    pub created: UnixTime,
    /// When its window closes.
    pub expires: UnixTime,
}

impl Mode {
    /// The name in the database and in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redirect => "REDIRECT",
            Self::Api => "API",
        }
    }
}

impl Session {
    /// Makes it.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn add(&self, tx: &Transaction<'_>) -> Result<(), DbError> {
        tx.execute(
            r#"INSERT INTO session (id, merchant, "order", mode, entry, payment, details, created, expires)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"#,
            params![
                self.id,
                self.merchant,
                self.order,
                self.mode.name(),
                self.entry.map(|entry| *entry.as_bytes()),
                self.payment,
                self.details.to_string(),
                signed(self.created.seconds()),
                signed(self.expires.seconds()),
            ],
        )?;
        Ok(())
    }

    /// The session with this id.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_id(db: &Connection, id: &str) -> Result<Option<Self>, DbError> {
        let mut found = db.prepare_cached(
            r#"SELECT id, merchant, "order", mode, entry, payment, details, created, expires FROM session WHERE id = ?"#,
        )?;
        found.query_row([id], read).maybe()?.transpose()
    }

    /// Puts down what was begun in it, if nothing was. Says whether it did.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn begun(tx: &Transaction<'_>, id: &str, payment: &str) -> Result<bool, DbError> {
        let done = tx.execute(
            "UPDATE session SET payment = ? WHERE id = ? AND payment IS NULL",
            params![payment, id],
        )?;
        Ok(done == 1)
    }

    /// Puts down what the API keeps of it.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn keep(tx: &Transaction<'_>, id: &str, details: &Value) -> Result<(), DbError> {
        tx.execute("UPDATE session SET details = ? WHERE id = ?", params![details.to_string(), id])?;
        Ok(())
    }

    /// Whether its window is closed.
    #[must_use]
    pub fn is_over(&self, now: UnixTime) -> bool {
        now >= self.expires
    }
}

fn read(row: &rusqlite::Row<'_>) -> Result<Result<Session, DbError>, rusqlite::Error> {
    let (mode, details): (String, String) = (row.get(3)?, row.get(6)?);
    let mode = [Mode::Redirect, Mode::Api].into_iter().find(|known| known.name() == mode);
    let (Some(mode), Ok(details)) = (mode, serde_json::from_str(&details)) else {
        return Ok(Err(DbError::Content("session")));
    };
    let time = |seconds: i64| UnixTime::from_seconds(unsigned(seconds));
    Ok(Ok(Session {
        id: row.get(0)?,
        merchant: row.get(1)?,
        order: row.get(2)?,
        mode,
        entry: row.get::<_, Option<[u8; 16]>>(4)?.map(EntrySession::from_bytes),
        payment: row.get(5)?,
        details,
        created: time(row.get(7)?),
        expires: time(row.get(8)?),
    }))
}
