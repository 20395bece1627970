//! The vault's own database: merchants, customers, orders, payments and saved
//! instruments. It holds no PAN, no card verification value and no key.

mod customer;
mod event;
mod idempotency;
mod instrument;
pub(in crate::vault) mod ledger;
mod merchant;
mod order;
mod payment;
mod saving;
mod session;
mod wallet;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};
use thiserror::Error;

use super::trace::Step;

pub use customer::Customer;
pub use event::Event;
pub use idempotency::{Asked, Before, Stored};
pub use instrument::{Instrument, Standing};
pub use ledger::book;
pub use merchant::{Api, Credential, Merchant, NewMerchant};
pub use order::{NewOrder, Order};
pub use payment::{NewPayment, Payment, Saving, Source, State};
pub use saving::NewToken;
pub use session::{Mode, Session};
pub use wallet::Wallet;

const VERSION: i32 = 1;
/// Connections that read, kept while nobody uses them.
const KEPT: usize = 64;

/// Why the database gives no answer.
#[derive(Debug, Error)]
pub enum DbError {
    /// SQLite.
    #[error("the vault's database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file was made by a newer vault.
    #[error("the vault's database has version {0}, which this vault does not know")]
    Version(i32),
    /// A row holds what no row of this vault holds.
    #[error("the vault's database holds a {0} that cannot be read")]
    Content(&'static str),
}

/// The database. One connection writes, others read beside it.
#[derive(Debug)]
pub struct Db {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
}

impl Db {
    /// Opens the database, or makes one that only its owner may read.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn open(path: &Path) -> Result<Self, DbError> {
        let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
        let opened = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE);
        rustix::process::umask(before);
        let mut writer = opened?;
        // What was acknowledged must be there after a power loss, too.
        writer.pragma_update(None, "journal_mode", "WAL")?;
        writer.pragma_update(None, "synchronous", "FULL")?;
        let made = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
        match made.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0))? {
            0 => {
                made.execute_batch(include_str!("db/schema.sql"))?;
                made.pragma_update(None, "user_version", VERSION)?;
            }
            VERSION => {}
            other => return Err(DbError::Version(other)),
        }
        made.commit()?;
        Ok(Self { path: path.to_owned(), writer: Mutex::new(writer), readers: Mutex::new(Vec::new()) })
    }

    /// Changes something, durably when this returns.
    ///
    /// # Errors
    /// What `change` says, or [`DbError`]; then nothing is changed.
    pub fn write<T, E: From<DbError>>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let _step = Step::of_database("write");
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let begun =
            writer.transaction_with_behavior(TransactionBehavior::Immediate).map_err(DbError::from)?;
        let value = change(&begun)?;
        begun.commit().map_err(DbError::from)?;
        Ok(value)
    }

    /// Empties the log, in which what was taken out still stands.
    ///
    /// # Errors
    /// [`DbError`].
    pub fn tidy(&self) -> Result<(), DbError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// Reads something.
    ///
    /// # Errors
    /// What `look` says, or [`DbError`].
    pub fn read<T, E: From<DbError>>(&self, look: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        let _step = Step::of_database("read");
        let kept = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let reader = match kept {
            Some(reader) => reader,
            None => connect(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY)?,
        };
        let value = look(&reader);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < KEPT {
            readers.push(reader);
        }
        value
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, DbError> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    // What is taken out, as a cryptogram that was decided, is not left in free pages.
    connection.pragma_update(None, "secure_delete", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// At most one row.
trait Maybe<T> {
    fn maybe(self) -> Result<Option<T>, DbError>;
}

impl<T> Maybe<T> for Result<T, rusqlite::Error> {
    fn maybe(self) -> Result<Option<T>, DbError> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(rusqlite::Error::QueryReturnedNoRows) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Seconds and amounts are far below what SQLite's integers hold.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
