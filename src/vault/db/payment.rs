//! Payments: attempts to pay an order.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::Value;

use super::{Api, DbError, Maybe, signed, unsigned};
use crate::types::{Amount, CardHandle, Cryptogram, Currency, Expiry, TokenNumber, Trid, UnixTime};
use crate::vault::card::CardFace;

/// How far a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The second factor is awaited.
    Authenticating,
    /// The second factor succeeded; the issuer decides.
    Charging,
    /// Paid.
    Charged,
    /// Not paid, and never will be.
    Failed,
}

/// How far saving the instrument of a payment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saving {
    /// Nobody consented to it.
    No,
    /// It follows when the payment is charged.
    Wanted,
    /// There is an instrument.
    Saved,
    /// There is none.
    Failed,
}

/// What is paid with.
#[derive(Debug, Clone)]
pub enum Source {
    /// A card that the engine holds.
    Card(CardHandle),
    /// A saved instrument, by its row.
    Saved(i64),
    /// A token and its cryptogram, as given.
    Token {
        /// The token.
        token: TokenNumber,
        /// Its expiry.
        expiry: Expiry,
        /// The requestor, where the API says it.
        trid: Option<Trid>,
        /// The cryptogram; none once it is decided.
        cryptogram: Option<Cryptogram>,
    },
    /// An e-wallet.
    Wallet,
}

impl Source {
    /// What stands in the digest of a request for the number that it says; nothing if that
    /// may be taken as it is. Of a card it is the fingerprint. Beside a saved instrument
    /// nobody reads the number, so nobody knows that it is not a PAN.
    #[must_use]
    pub fn instead_of_number(&self, fingerprint: Option<&str>) -> Option<String> {
        match self {
            Self::Card(_) => Some(fingerprint.unwrap_or_default().to_owned()),
            Self::Saved(_) => Some(String::new()),
            Self::Token { .. } | Self::Wallet => None,
        }
    }
}

/// A payment.
#[derive(Debug, Clone)]
pub struct Payment {
    /// Its row, which APIs with numbers show.
    pub pk: i64,
    /// Its id.
    pub id: String,
    /// The merchant's row.
    pub merchant: i64,
    /// The API that it came through.
    pub api: Api,
    /// The order's row.
    pub order: i64,
    /// The customer.
    pub customer: Option<String>,
    /// What is paid.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// How far it is.
    pub state: State,
    /// Why it failed.
    pub reason: Option<String>,
    /// What is paid with.
    pub source: Source,
    /// What may be shown of the card.
    pub card: Option<CardFace>,
    /// The row of the instrument that was paid with, or that was saved.
    pub instrument: Option<i64>,
    /// How far saving is.
    pub saving: Saving,
    /// What the API keeps of it for showing.
    pub details: Value,
    /// When it was begun.
    pub created: UnixTime,
    /// Until when the second factor may come.
    pub expires: UnixTime,
}

/// A payment to be begun.
#[derive(Debug)]
pub struct NewPayment<'a> {
    /// Its id.
    pub id: &'a str,
    /// The merchant's row.
    pub merchant: i64,
    /// The API.
    pub api: Api,
    /// The order's row.
    pub order: i64,
    /// The customer.
    pub customer: Option<&'a str>,
    /// What is paid.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// What is paid with.
    pub source: &'a Source,
    /// What may be shown of the card.
    pub card: Option<&'a CardFace>,
    /// Whether the cardholder consented to saving it.
    pub save: bool,
    /// What the API keeps of it for showing.
    pub details: &'a Value,
    /// Until when the second factor may come.
    pub expires: UnixTime,
}

impl State {
    const ALL: [Self; 4] = [Self::Authenticating, Self::Charging, Self::Charged, Self::Failed];

    /// The name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Authenticating => "authenticating",
            Self::Charging => "charging",
            Self::Charged => "charged",
            Self::Failed => "failed",
        }
    }
}

impl Saving {
    const ALL: [Self; 4] = [Self::No, Self::Wanted, Self::Saved, Self::Failed];

    /// The name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Wanted => "wanted",
            Self::Saved => "saved",
            Self::Failed => "failed",
        }
    }
}

impl Source {
    const fn name(&self) -> &'static str {
        match self {
            Self::Card(_) => "card",
            Self::Saved(_) => "saved",
            Self::Token { .. } => "token",
            Self::Wallet => "wallet",
        }
    }
}

const SELECT: &str = r#"SELECT pk, id, merchant, api, "order", customer, amount, currency, state, reason,
    source, handle, card, instrument, token, token_expiry, trid, cryptogram, saving, details, created, expires
    FROM payment"#;

impl NewPayment<'_> {
    /// Begins it.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn add(&self, tx: &Transaction<'_>, now: UnixTime) -> Result<i64, DbError> {
        let (mut handle, mut instrument, mut given) = (None, None, None);
        match self.source {
            Source::Card(held) => handle = Some(*held.as_bytes()),
            Source::Saved(pk) => instrument = Some(*pk),
            Source::Token { token, expiry, trid, cryptogram } => {
                given = Some((token, expiry, trid, cryptogram))
            }
            Source::Wallet => {}
        }
        let card = self.card.map(|card| serde_json::to_string(card).map_err(|_| DbError::Content("card")));
        tx.execute(
            r#"INSERT INTO payment (id, merchant, api, "order", customer, amount, currency, state, source, handle,
               card, instrument, token, token_expiry, trid, cryptogram, saving, details, created, expires)
               VALUES (?, ?, ?, ?, ?, ?, ?, 'authenticating', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"#,
            params![
                self.id,
                self.merchant,
                self.api.name(),
                self.order,
                self.customer,
                signed(self.amount.minor_units()),
                self.currency.code(),
                self.source.name(),
                handle,
                card.transpose()?,
                instrument,
                given.map(|(token, ..)| token.to_string()),
                given.map(|(_, expiry, ..)| expiry.value()),
                given.and_then(|(_, _, trid, _)| *trid).map(|trid| trid.to_string()),
                given.and_then(|(.., cryptogram)| *cryptogram).map(|cryptogram| *cryptogram.as_bytes()),
                if self.save { Saving::Wanted.name() } else { Saving::No.name() },
                self.details.to_string(),
                signed(now.seconds()),
                signed(self.expires.seconds()),
            ],
        )?;
        Ok(tx.last_insert_rowid())
    }
}

impl Payment {
    /// Something that the API keeps of it; null where there is none.
    #[must_use]
    pub fn detail(&self, name: &str) -> &Value {
        self.details.get(name).unwrap_or(&Value::Null)
    }

    /// The payment with this id.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_id(db: &Connection, id: &str) -> Result<Option<Self>, DbError> {
        let mut found = db.prepare_cached(&format!("{SELECT} WHERE id = ?"))?;
        found.query_row([id], read).maybe()?.transpose()
    }

    /// The payment of a row.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_pk(db: &Connection, pk: i64) -> Result<Option<Self>, DbError> {
        let mut found = db.prepare_cached(&format!("{SELECT} WHERE pk = ?"))?;
        found.query_row([pk], read).maybe()?.transpose()
    }

    /// An order's payments, the newest first.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn of_order(db: &Connection, order: i64) -> Result<Vec<Self>, DbError> {
        let mut found = db.prepare_cached(&format!(r#"{SELECT} WHERE "order" = ? ORDER BY pk DESC"#))?;
        let rows = found.query_map([order], read)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().collect()
    }

    /// Payments of which something is still to be done without anybody asking: what the
    /// issuer decides, and what is to be saved.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn unfinished(db: &Connection) -> Result<Vec<Self>, DbError> {
        let mut found = db.prepare_cached(&format!(
            "{SELECT} WHERE state = 'charging' OR (state = 'charged' AND saving = 'wanted') ORDER BY pk LIMIT 1000"
        ))?;
        let rows = found.query_map([], read)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().collect()
    }

    /// Ids of payments whose second factor has not come in time.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn overdue(db: &Connection, now: UnixTime) -> Result<Vec<String>, DbError> {
        let mut found = db.prepare_cached(
            "SELECT id FROM payment WHERE state = 'authenticating' AND expires <= ? ORDER BY pk LIMIT 1000",
        )?;
        let rows = found.query_map([signed(now.seconds())], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many cards the engine holds for a merchant's payments.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn cards_waiting(db: &Connection, merchant: i64) -> Result<u64, DbError> {
        let mut found = db.prepare_cached(
            "SELECT count(*) FROM payment WHERE merchant = ? AND state = 'authenticating' AND source = 'card'",
        )?;
        Ok(unsigned(found.query_row([merchant], |row| row.get(0))?))
    }

    /// Whether another payment of the order is being charged or is charged.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn is_order_taken(db: &Connection, order: i64) -> Result<bool, DbError> {
        let mut found = db.prepare_cached(
            r#"SELECT 1 FROM payment WHERE "order" = ? AND state IN ('charging', 'charged') LIMIT 1"#,
        )?;
        Ok(found.query_row([order], |_| Ok(())).optional()?.is_some())
    }

    /// Takes a payment on, if it is where `from` says and, when it goes on to charging,
    /// no other payment of its order is there. Says whether it did.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn advance(
        tx: &Transaction<'_>,
        pk: i64,
        from: State,
        to: State,
        reason: Option<&str>,
    ) -> Result<bool, DbError> {
        let done = tx.execute(
            r#"UPDATE OR IGNORE payment SET state = ?3, reason = ?4,
               cryptogram = CASE WHEN ?3 IN ('charged', 'failed') THEN NULL ELSE cryptogram END,
               saving = CASE WHEN ?3 = 'failed' AND saving = 'wanted' THEN 'failed' ELSE saving END
               WHERE pk = ?1 AND state = ?2"#,
            params![pk, from.name(), to.name(), reason],
        )?;
        Ok(done == 1)
    }

    /// Ends the wish to save, with the instrument that came of it.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn saved(tx: &Transaction<'_>, pk: i64, instrument: Option<i64>) -> Result<(), DbError> {
        tx.execute(
            "UPDATE payment SET saving = ?2, instrument = coalesce(?3, instrument) WHERE pk = ?1 AND saving = 'wanted'",
            params![pk, if instrument.is_some() { "saved" } else { "failed" }, instrument],
        )?;
        Ok(())
    }
}

fn read(row: &rusqlite::Row<'_>) -> Result<Result<Payment, DbError>, rusqlite::Error> {
    let (api, state, saving, details): (String, String, String, String) =
        (row.get(3)?, row.get(8)?, row.get(18)?, row.get(19)?);
    let card: Option<String> = row.get(12)?;
    let card = card.map(|card| serde_json::from_str(&card)).transpose();
    let state = State::ALL.into_iter().find(|known| known.name() == state);
    let saving = Saving::ALL.into_iter().find(|known| known.name() == saving);
    let (Some(api), Ok(currency), Ok(details), Ok(card), Some(state), Some(saving), Some(source)) = (
        Api::from_name(&api),
        Currency::from_code(row.get(7)?),
        serde_json::from_str(&details),
        card,
        state,
        saving,
        source(row)?,
    ) else {
        return Ok(Err(DbError::Content("payment")));
    };
    Ok(Ok(Payment {
        pk: row.get(0)?,
        id: row.get(1)?,
        merchant: row.get(2)?,
        api,
        order: row.get(4)?,
        customer: row.get(5)?,
        amount: Amount::from_minor_units(unsigned(row.get(6)?)),
        currency,
        state,
        reason: row.get(9)?,
        source,
        card,
        instrument: row.get(13)?,
        saving,
        details,
        created: UnixTime::from_seconds(unsigned(row.get(20)?)),
        expires: UnixTime::from_seconds(unsigned(row.get(21)?)),
    }))
}

fn source(row: &rusqlite::Row<'_>) -> Result<Option<Source>, rusqlite::Error> {
    let (handle, instrument): (Option<[u8; 16]>, Option<i64>) = (row.get(11)?, row.get(13)?);
    Ok(match row.get::<_, String>(10)?.as_str() {
        "card" => handle.map(|handle| Source::Card(CardHandle::from_bytes(handle))),
        "saved" => instrument.map(Source::Saved),
        "wallet" => Some(Source::Wallet),
        "token" => {
            let (token, trid): (Option<String>, Option<String>) = (row.get(14)?, row.get(16)?);
            let expiry = row.get::<_, Option<u16>>(15)?.and_then(|value| Expiry::from_value(value).ok());
            let cryptogram: Option<[u8; 20]> = row.get(17)?;
            let token = token.and_then(|token| TokenNumber::parse(token.as_bytes()).ok());
            token.zip(expiry).map(|(token, expiry)| Source::Token {
                token,
                expiry,
                trid: trid.and_then(|trid| Trid::parse(trid.as_bytes()).ok()),
                cryptogram: cryptogram.and_then(|bytes| Cryptogram::from_slice(&bytes).ok()),
            })
        }
        _ => None,
    })
}
