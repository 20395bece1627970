//! Orders: what is to be paid, once.

use rusqlite::{Connection, Transaction, params};
use serde_json::Value;

use super::{Api, DbError, Maybe, signed, unsigned};
use crate::types::{Amount, Currency, UnixTime};

/// An order.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its row, which APIs with numbers show.
    pub pk: i64,
    /// The merchant's row.
    pub merchant: i64,
    /// The API that it came through.
    pub api: Api,
    /// Its id, one's own at each merchant and API.
    pub id: String,
    /// What lets its bearer pay.
    pub session: Option<String>,
    /// The customer.
    pub customer: Option<String>,
    /// What is to be paid.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Until when it may be paid.
    pub expires: Option<UnixTime>,
    /// What the API keeps of it for showing.
    pub details: Value,
    /// When it was made.
    pub created: UnixTime,
    /// Whether it is paid.
    pub paid: bool,
    /// How many payments were begun for it.
    pub attempts: u64,
}

/// An order to be made.
#[derive(Debug)]
pub struct NewOrder<'a> {
    /// The merchant's row.
    pub merchant: i64,
    /// The API.
    pub api: Api,
    /// The id.
    pub id: &'a str,
    /// What lets its bearer pay.
    pub session: Option<&'a str>,
    /// The customer.
    pub customer: Option<&'a str>,
    /// What is to be paid.
    pub amount: Amount,
    /// In which currency.
    pub currency: Currency,
    /// Until when it may be paid.
    pub expires: Option<UnixTime>,
    /// What the API keeps of it for showing.
    pub details: &'a Value,
}

const SELECT: &str = r#"SELECT o.pk, o.merchant, o.api, o.id, o.session, o.customer, o.amount, o.currency, o.expires,
    o.details, o.created,
    EXISTS (SELECT 1 FROM payment p WHERE p."order" = o.pk AND p.state = 'charged'),
    (SELECT count(*) FROM payment p WHERE p."order" = o.pk)
    FROM "order" o"#;

impl NewOrder<'_> {
    /// Makes it. None if the merchant has an order with this id.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn add(&self, tx: &Transaction<'_>, now: UnixTime) -> Result<Option<Order>, DbError> {
        let added = tx.execute(
            r#"INSERT INTO "order" (merchant, api, id, session, customer, amount, currency, expires, details, created)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (merchant, api, id) DO NOTHING"#,
            params![
                self.merchant,
                self.api.name(),
                self.id,
                self.session,
                self.customer,
                signed(self.amount.minor_units()),
                self.currency.code(),
                self.expires.map(|at| signed(at.seconds())),
                self.details.to_string(),
                signed(now.seconds()),
            ],
        )?;
        if added == 0 { Ok(None) } else { Order::by_pk(tx, tx.last_insert_rowid()) }
    }
}

impl Order {
    /// Something that the API keeps of it; null where there is none.
    #[must_use]
    pub fn detail(&self, name: &str) -> &Value {
        self.details.get(name).unwrap_or(&Value::Null)
    }

    /// The order of a row.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_pk(db: &Connection, pk: i64) -> Result<Option<Self>, DbError> {
        let mut found = db.prepare_cached(&format!("{SELECT} WHERE o.pk = ?"))?;
        found.query_row([pk], read).maybe()?.transpose()
    }

    /// A merchant's order.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_id(db: &Connection, merchant: i64, api: Api, id: &str) -> Result<Option<Self>, DbError> {
        let mut found =
            db.prepare_cached(&format!("{SELECT} WHERE o.merchant = ? AND o.api = ? AND o.id = ?"))?;
        found.query_row(params![merchant, api.name(), id], read).maybe()?.transpose()
    }

    /// The order that a bearer of this may pay.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn by_session(db: &Connection, session: &str) -> Result<Option<Self>, DbError> {
        let mut found = db.prepare_cached(&format!("{SELECT} WHERE o.session = ?"))?;
        found.query_row([session], read).maybe()?.transpose()
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self, now: UnixTime) -> bool {
        self.expires.is_some_and(|end| now >= end)
    }
}

fn read(row: &rusqlite::Row<'_>) -> Result<Result<Order, DbError>, rusqlite::Error> {
    let (api, details): (String, String) = (row.get(2)?, row.get(9)?);
    let currency: u16 = row.get(7)?;
    let (Some(api), Ok(currency), Ok(details)) =
        (Api::from_name(&api), Currency::from_code(currency), serde_json::from_str(&details))
    else {
        return Ok(Err(DbError::Content("order")));
    };
    let time = |seconds: i64| UnixTime::from_seconds(unsigned(seconds));
    Ok(Ok(Order {
        pk: row.get(0)?,
        merchant: row.get(1)?,
        api,
        id: row.get(3)?,
        session: row.get(4)?,
        customer: row.get(5)?,
        amount: Amount::from_minor_units(unsigned(row.get(6)?)),
        currency,
        expires: row.get::<_, Option<i64>>(8)?.map(time),
        details,
        created: time(row.get(10)?),
        paid: row.get(11)?,
        attempts: unsigned(row.get(12)?),
    }))
}
