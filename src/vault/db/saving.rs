//! Cards that are being saved without a payment: written down before the engine is asked,
//! so that whatever dies in between, the token is somebody's or there is none.

use rusqlite::{Connection, Transaction, params};
use serde_json::Value;

use super::{DbError, Maybe, signed};
use crate::types::{CardHandle, UnixTime};
use crate::vault::card::CardFace;

/// A card that is being saved.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// What it is made from: from one origin one instrument is made.
    pub origin: String,
    /// The merchant's row.
    pub merchant: i64,
    /// The customer, where there is one.
    pub customer: Option<String>,
    /// The card that the engine holds, or held.
    pub handle: CardHandle,
    /// What may be shown of it.
    pub card: CardFace,
    /// Who authenticated the cardholder.
    pub provider: String,
    /// What it is called there.
    pub reference: String,
    /// RuPay's authentication reference number.
    pub auth_reference: Option<String>,
    /// What the API keeps of it for showing.
    pub details: Value,
}

const SELECT: &str =
    "SELECT origin, merchant, customer, handle, card, provider, reference, auth_reference, details
    FROM saving";

impl NewToken {
    /// Writes it down, in place of what stands under its origin.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn put(&self, tx: &Transaction<'_>, now: UnixTime) -> Result<(), DbError> {
        let card = serde_json::to_string(&self.card).map_err(|_| DbError::Content("card"))?;
        tx.execute(
            "INSERT OR REPLACE INTO saving
             (origin, merchant, customer, handle, card, provider, reference, auth_reference, details, created)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                self.origin,
                self.merchant,
                self.customer,
                self.handle.as_bytes(),
                card,
                self.provider,
                self.reference,
                self.auth_reference,
                self.details.to_string(),
                signed(now.seconds()),
            ],
        )?;
        Ok(())
    }

    /// What is being saved from this origin.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_origin(db: &Connection, origin: &str) -> Result<Option<Self>, DbError> {
        let mut found = db.prepare_cached(&format!("{SELECT} WHERE origin = ?"))?;
        found.query_row([origin], read).maybe()?.transpose()
    }

    /// What was begun before then and is not at its end.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn begun_before(db: &Connection, then: UnixTime) -> Result<Vec<Self>, DbError> {
        let mut found = db.prepare_cached(&format!("{SELECT} WHERE created < ? LIMIT 1000"))?;
        let rows = found.query_map([signed(then.seconds())], read)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().collect()
    }

    /// It is at its end.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn end(tx: &Transaction<'_>, origin: &str) -> Result<(), DbError> {
        tx.execute("DELETE FROM saving WHERE origin = ?", [origin])?;
        Ok(())
    }
}

fn read(row: &rusqlite::Row<'_>) -> Result<Result<NewToken, DbError>, rusqlite::Error> {
    let (card, details): (String, String) = (row.get(4)?, row.get(8)?);
    let (Ok(card), Ok(details)) = (serde_json::from_str(&card), serde_json::from_str(&details)) else {
        return Ok(Err(DbError::Content("card that is being saved")));
    };
    Ok(Ok(NewToken {
        origin: row.get(0)?,
        merchant: row.get(1)?,
        customer: row.get(2)?,
        handle: CardHandle::from_bytes(row.get(3)?),
        card,
        provider: row.get(5)?,
        reference: row.get(6)?,
        auth_reference: row.get(7)?,
        details,
    }))
}
