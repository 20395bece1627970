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
    /// The public key, in DER; there with `entry`.
    pub public_key: Option<Vec<u8>>,
    /// The payment that was begun.
    pub payment: Option<String>,
    /// Whether it was given up before anything was begun.
    pub cancelled: bool,
    /// What the API keeps of it.
    pub details: Value,
    /// When it was made.
    pub created: UnixTime,
    /// When its window closes.
    pub expires: UnixTime,
}

const SELECT: &str = r#"SELECT id, merchant, "order", mode, entry, public_key, payment, cancelled, details, created,
    expires FROM session"#;

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
    /// How many keys the engine has for a merchant's sessions.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn keys_of(db: &Connection, merchant: i64) -> Result<u64, DbError> {
        let mut found =
            db.prepare_cached("SELECT count(*) FROM session WHERE merchant = ? AND entry IS NOT NULL")?;
        Ok(unsigned(found.query_row([merchant], |row| row.get(0))?))
    }

    /// Makes it.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn add(&self, tx: &Transaction<'_>) -> Result<(), DbError> {
        tx.execute(
            r#"INSERT INTO session (id, merchant, "order", mode, entry, public_key, payment, cancelled, details,
               created, expires) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"#,
            params![
                self.id,
                self.merchant,
                self.order,
                self.mode.name(),
                self.entry.map(|entry| *entry.as_bytes()),
                self.public_key,
                self.payment,
                self.cancelled,
                self.details.to_string(),
                signed(self.created.seconds()),
                signed(self.expires.seconds()),
            ],
        )?;
        Ok(())
    }

    /// Something that the API keeps of it; null where there is none.
    #[must_use]
    pub fn detail(&self, name: &str) -> &Value {
        self.details.get(name).unwrap_or(&Value::Null)
    }

    /// The session with this id.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_id(db: &Connection, id: &str) -> Result<Option<Self>, DbError> {
        let mut found = db.prepare_cached(&format!("{SELECT} WHERE id = ?"))?;
        found.query_row([id], read).maybe()?.transpose()
    }

    /// The session in which a payment was begun.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_payment(db: &Connection, payment: &str) -> Result<Option<Self>, DbError> {
        let mut found = db.prepare_cached(&format!("{SELECT} WHERE payment = ?"))?;
        found.query_row([payment], read).maybe()?.transpose()
    }

    /// Sessions that are over and still have a key.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn keys_left(db: &Connection, now: UnixTime) -> Result<Vec<Self>, DbError> {
        let mut found = db.prepare_cached(&format!(
            "{SELECT} WHERE entry IS NOT NULL AND (expires <= ? OR payment IS NOT NULL OR cancelled) LIMIT 1000"
        ))?;
        let rows = found.query_map([signed(now.seconds())], read)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().collect()
    }

    /// Puts down what was begun in it, if nothing was and its window is open. Says
    /// whether it did.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn begun(tx: &Transaction<'_>, id: &str, payment: &str, now: UnixTime) -> Result<bool, DbError> {
        let done = tx.execute(
            "UPDATE session SET payment = ? WHERE id = ? AND payment IS NULL AND NOT cancelled AND expires > ?",
            params![payment, id, signed(now.seconds())],
        )?;
        Ok(done == 1)
    }

    /// Gives it up, if nothing was begun in it. Says whether it did.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn cancel(tx: &Transaction<'_>, id: &str, now: UnixTime) -> Result<bool, DbError> {
        let done = tx.execute(
            "UPDATE session SET cancelled = 1 WHERE id = ? AND payment IS NULL AND NOT cancelled AND expires > ?",
            params![id, signed(now.seconds())],
        )?;
        Ok(done == 1)
    }

    /// Puts down a key where there is none. Says whether it did.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn keyed(
        tx: &Transaction<'_>,
        id: &str,
        entry: EntrySession,
        public_key: &[u8],
    ) -> Result<bool, DbError> {
        let done = tx.execute(
            "UPDATE session SET entry = ?2, public_key = ?3 WHERE id = ?1 AND entry IS NULL
             AND payment IS NULL AND NOT cancelled",
            params![id, *entry.as_bytes(), public_key],
        )?;
        Ok(done == 1)
    }

    /// Its key is gone.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn unkeyed(tx: &Transaction<'_>, id: &str, entry: EntrySession) -> Result<(), DbError> {
        tx.execute(
            "UPDATE session SET entry = NULL, public_key = NULL WHERE id = ? AND entry = ?",
            params![id, *entry.as_bytes()],
        )?;
        Ok(())
    }

    /// Whether its window is closed.
    #[must_use]
    pub fn is_over(&self, now: UnixTime) -> bool {
        now >= self.expires
    }
}

fn read(row: &rusqlite::Row<'_>) -> Result<Result<Session, DbError>, rusqlite::Error> {
    let (mode, details): (String, String) = (row.get(3)?, row.get(8)?);
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
        public_key: row.get(5)?,
        payment: row.get(6)?,
        cancelled: row.get(7)?,
        details,
        created: time(row.get(9)?),
        expires: time(row.get(10)?),
    }))
}
