//! Saved instruments: tokens of the engine with what APIs show of them.

use rusqlite::{Connection, Transaction, params};
use serde_json::Value;

use super::{DbError, Maybe, signed, unsigned};
use crate::types::{Expiry, Fingerprint, Par, TokenNumber, Trid, UnixTime};
use crate::vault::card::CardFace;

/// How far a token has come since its card was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The card is kept. Its token waits for a payment with a second factor.
    Kept,
    /// The token was asked for; no provider has activated it.
    Initiated,
    /// A provider has activated the token. What became of it since, the engine knows.
    Tokenised,
}

/// A saved instrument.
#[derive(Debug, Clone)]
pub struct Instrument {
    /// Its row; 0 before it is there.
    pub pk: i64,
    /// A UUID.
    pub id: String,
    /// Sixty-four hexadecimal digits.
    pub uid: String,
    /// Fourteen letters and digits.
    pub tag: String,
    /// The merchant's row.
    pub merchant: i64,
    /// The customer, where there is one.
    pub customer: Option<String>,
    /// The token.
    pub token: TokenNumber,
    /// The token's expiry.
    pub token_expiry: Expiry,
    /// The requestor.
    pub trid: Trid,
    /// The PAR of the card.
    pub par: Par,
    /// The fingerprint of the card.
    pub fingerprint: Fingerprint,
    /// What may be shown of the card.
    pub card: CardFace,
    /// What authenticated the cardholder.
    pub afa_reference: String,
    /// How far its token has come.
    pub standing: Standing,
    /// What the API keeps of it for showing.
    pub details: Value,
    /// What it was made from; another from the same is not made.
    pub origin: String,
    /// When it was saved.
    pub created: UnixTime,
    /// When it was deleted.
    pub deleted: Option<UnixTime>,
}

const SELECT: &str =
    "SELECT pk, id, uid, merchant, customer, token, token_expiry, trid, par, fingerprint, card,
    afa_reference, details, origin, created, deleted, standing, tag FROM instrument";

impl Standing {
    const ALL: [Self; 3] = [Self::Kept, Self::Initiated, Self::Tokenised];

    /// The name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::Initiated => "initiated",
            Self::Tokenised => "tokenised",
        }
    }
}

impl Instrument {
    /// Puts it in, unless one of the same origin is there, and returns the one that is.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn add(&self, tx: &Transaction<'_>) -> Result<Self, DbError> {
        let card = serde_json::to_string(&self.card).map_err(|_| DbError::Content("card"))?;
        tx.execute(
            "INSERT INTO instrument (id, uid, merchant, customer, token, token_expiry, trid, par, fingerprint, card,
             afa_reference, details, origin, created, standing, tag)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (origin) DO NOTHING",
            params![
                self.id,
                self.uid,
                self.merchant,
                self.customer,
                self.token.to_string(),
                self.token_expiry.value(),
                self.trid.to_string(),
                self.par.as_str(),
                self.fingerprint.as_bytes(),
                card,
                self.afa_reference,
                self.details.to_string(),
                self.origin,
                signed(self.created.seconds()),
                self.standing.name(),
                self.tag,
            ],
        )?;
        Self::by_origin(tx, &self.origin)?.ok_or(DbError::Content("instrument"))
    }

    /// The instrument that was made from this.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_origin(db: &Connection, origin: &str) -> Result<Option<Self>, DbError> {
        one(db, "origin = ?", params![origin])
    }

    /// The instrument of a row.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_pk(db: &Connection, pk: i64) -> Result<Option<Self>, DbError> {
        one(db, "pk = ?", params![pk])
    }

    /// A merchant's instrument by its UUID.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_id(db: &Connection, merchant: i64, id: &str) -> Result<Option<Self>, DbError> {
        one(db, "merchant = ? AND id = ?", params![merchant, id])
    }

    /// A merchant's instrument by its 64 digits.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_uid(db: &Connection, merchant: i64, uid: &str) -> Result<Option<Self>, DbError> {
        one(db, "merchant = ? AND uid = ?", params![merchant, uid])
    }

    /// A merchant's instrument by its fourteen letters and digits.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_tag(db: &Connection, merchant: i64, tag: &str) -> Result<Option<Self>, DbError> {
        one(db, "merchant = ? AND tag = ?", params![merchant, tag])
    }

    /// Anybody's instrument by its token, as a network knows it.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_token(db: &Connection, token: TokenNumber) -> Result<Option<Self>, DbError> {
        one(db, "token = ?", params![token.to_string()])
    }

    /// A customer's instruments that are not deleted, the oldest first.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn of_customer(db: &Connection, merchant: i64, customer: &str) -> Result<Vec<Self>, DbError> {
        let mut found = db.prepare_cached(&format!(
            "{SELECT} WHERE merchant = ? AND customer = ? AND deleted IS NULL ORDER BY pk LIMIT 1000"
        ))?;
        let rows = found.query_map(params![merchant, customer], read)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().collect()
    }

    /// The token of a card that was kept is activated.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn tokenised(tx: &Transaction<'_>, pk: i64) -> Result<(), DbError> {
        tx.execute("UPDATE instrument SET standing = 'tokenised' WHERE pk = ?", [pk])?;
        Ok(())
    }

    /// Anybody's instruments, deleted ones too, the newest first.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn newest(db: &Connection, most: usize) -> Result<Vec<Self>, DbError> {
        let mut found = db.prepare_cached(&format!("{SELECT} ORDER BY pk DESC LIMIT ?"))?;
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let rows = found.query_map([most], read)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().collect()
    }

    /// Marks it as deleted. Says whether it was not so before.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn delete(tx: &Transaction<'_>, pk: i64, now: UnixTime) -> Result<bool, DbError> {
        let done = tx.execute(
            "UPDATE instrument SET deleted = ? WHERE pk = ? AND deleted IS NULL",
            params![signed(now.seconds()), pk],
        )?;
        Ok(done == 1)
    }
}

fn one(db: &Connection, which: &str, params: impl rusqlite::Params) -> Result<Option<Instrument>, DbError> {
    let mut found = db.prepare_cached(&format!("{SELECT} WHERE {which}"))?;
    found.query_row(params, read).maybe()?.transpose()
}

fn read(row: &rusqlite::Row<'_>) -> Result<Result<Instrument, DbError>, rusqlite::Error> {
    let (token, trid, par): (String, String, String) = (row.get(5)?, row.get(7)?, row.get(8)?);
    let (card, details, standing): (String, String, String) = (row.get(10)?, row.get(12)?, row.get(16)?);
    let standing = Standing::ALL.into_iter().find(|known| known.name() == standing);
    let (Ok(token), Ok(token_expiry), Ok(trid), Ok(par), Ok(card), Ok(details), Some(standing)) = (
        TokenNumber::parse(token.as_bytes()),
        Expiry::from_value(row.get(6)?),
        Trid::parse(trid.as_bytes()),
        Par::parse(&par),
        serde_json::from_str(&card),
        serde_json::from_str(&details),
        standing,
    ) else {
        return Ok(Err(DbError::Content("instrument")));
    };
    let time = |seconds: i64| UnixTime::from_seconds(unsigned(seconds));
    Ok(Ok(Instrument {
        pk: row.get(0)?,
        id: row.get(1)?,
        uid: row.get(2)?,
        merchant: row.get(3)?,
        customer: row.get(4)?,
        token,
        token_expiry,
        trid,
        par,
        fingerprint: Fingerprint::from_bytes(row.get(9)?),
        card,
        afa_reference: row.get(11)?,
        standing,
        details,
        origin: row.get(13)?,
        created: time(row.get(14)?),
        deleted: row.get::<_, Option<i64>>(15)?.map(time),
        tag: row.get(17)?,
    }))
}
