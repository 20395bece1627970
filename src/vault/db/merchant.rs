//! Merchants and the credentials by which their requests are known.

use rusqlite::{Connection, Transaction, params};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{DbError, Maybe, signed};
use crate::types::{Trid, UnixTime};

/// The APIs that the vault speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Api {
    /// Cashfree, under `/pg`.
    Cashfree,
    /// Razorpay, under `/v1`.
    Razorpay,
    /// Juspay, at the root.
    Juspay,
    /// Payment sessions, under `/sessions`.
    Sessions,
}

/// A merchant.
#[derive(Debug, Clone)]
pub struct Merchant {
    /// Its row.
    pub pk: i64,
    /// Its name, which cryptograms are bound to.
    pub name: String,
    /// The requestor that its tokens are for.
    pub trid: Trid,
    /// Whether masks show the first four digits of a card.
    pub wide_mask: bool,
    /// Where its webhooks go.
    pub webhook: Option<String>,
    /// What signs them: SHA-256 of the secret that the merchant was given.
    pub webhook_key: Option<[u8; 32]>,
}

/// A merchant to be added.
#[derive(Debug)]
pub struct NewMerchant<'a> {
    /// Its name.
    pub name: &'a str,
    /// The requestor that its tokens are for.
    pub trid: Trid,
    /// Whether masks show the first four digits of a card.
    pub wide_mask: bool,
    /// Where its webhooks go, and SHA-256 of the secret that signs them.
    pub webhook: Option<(&'a str, [u8; 32])>,
}

/// What one API knows a merchant by.
#[derive(Debug)]
pub struct Credential<'a> {
    /// The API.
    pub api: Api,
    /// The public part; also the whole, as SHA-256, where an API has one part only.
    pub id: &'a str,
}

impl Api {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Cashfree, Self::Razorpay, Self::Juspay, Self::Sessions];

    /// The name in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cashfree => "cashfree",
            Self::Razorpay => "razorpay",
            Self::Juspay => "juspay",
            Self::Sessions => "sessions",
        }
    }

    /// The API with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|api| api.name() == name)
    }
}

const COLUMNS: &str = "m.pk, m.name, m.trid, m.wide_mask, m.webhook, m.webhook_key";

impl Merchant {
    /// Adds a merchant. None if one has the name.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn add(tx: &Transaction<'_>, new: &NewMerchant<'_>, now: UnixTime) -> Result<Option<i64>, DbError> {
        let (webhook, key) = new.webhook.unzip();
        let added = tx.execute(
            "INSERT OR IGNORE INTO merchant (name, trid, wide_mask, webhook, webhook_key, created)
             VALUES (?, ?, ?, ?, ?, ?)",
            params![new.name, new.trid.to_string(), new.wide_mask, webhook, key, signed(now.seconds())],
        )?;
        Ok((added == 1).then(|| tx.last_insert_rowid()))
    }

    /// Lets a merchant in by a secret.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn let_in(
        tx: &Transaction<'_>,
        merchant: i64,
        credential: &Credential<'_>,
        secret: &str,
        now: UnixTime,
    ) -> Result<(), DbError> {
        let hash: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        tx.execute(
            "INSERT INTO credential (api, id, merchant, secret, created) VALUES (?, ?, ?, ?, ?)",
            params![credential.api.name(), credential.id, merchant, hash, signed(now.seconds())],
        )?;
        Ok(())
    }

    /// The merchant that this credential and secret belong to.
    ///
    /// The secret has 256 random bits, so its plain hash cannot be guessed and needs no
    /// slow one; hashes are compared in constant time, also with one that nobody has.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn known_by(
        db: &Connection,
        credential: &Credential<'_>,
        secret: &str,
    ) -> Result<Option<Self>, DbError> {
        let mut found = db.prepare_cached(&format!(
            "SELECT {COLUMNS}, c.secret FROM credential c JOIN merchant m ON m.pk = c.merchant
             WHERE c.api = ? AND c.id = ?"
        ))?;
        let row = found
            .query_row(params![credential.api.name(), credential.id], |row| {
                Ok((read(row)?, row.get::<_, [u8; 32]>(6)?))
            })
            .maybe()?;
        let given: [u8; 32] = Sha256::digest(secret.as_bytes()).into();
        let kept = row.as_ref().map_or([0; 32], |(_, kept)| *kept);
        let equal: bool = given.ct_eq(&kept).into();
        match row {
            Some((merchant, _)) if equal => merchant.map(Some),
            _ => Ok(None),
        }
    }

    /// The merchant of a row.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_pk(db: &Connection, pk: i64) -> Result<Option<Self>, DbError> {
        let mut found = db.prepare_cached(&format!("SELECT {COLUMNS} FROM merchant m WHERE m.pk = ?"))?;
        found.query_row([pk], read).maybe()?.transpose()
    }

    /// All merchants, by their names.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn all(db: &Connection) -> Result<Vec<Self>, DbError> {
        let mut found = db.prepare_cached(&format!("SELECT {COLUMNS} FROM merchant m ORDER BY m.name"))?;
        let rows = found.query_map([], read)?.collect::<Result<Vec<_>, _>>()?;
        rows.into_iter().collect()
    }
}

type Row<'r> = rusqlite::Row<'r>;

fn read(row: &Row<'_>) -> Result<Result<Merchant, DbError>, rusqlite::Error> {
    let trid: String = row.get(2)?;
    let (pk, name, wide_mask) = (row.get(0)?, row.get(1)?, row.get(3)?);
    let (webhook, webhook_key) = (row.get(4)?, row.get(5)?);
    let trid = Trid::parse(trid.as_bytes()).map_err(|_| DbError::Content("TRID"));
    Ok(trid.map(|trid| Merchant { pk, name, trid, wide_mask, webhook, webhook_key }))
}
