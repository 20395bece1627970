//! Where the store is, with what can be read of it only before the process is confined.

use std::path::Path;

use crate::daemon::config::StoreConfig;
use crate::daemon::sandbox::{self, Role};
use crate::daemon::{DaemonError, paths};
#[cfg(feature = "postgres")]
use crate::store::StoreLock;
#[cfg(feature = "postgres")]
use crate::store::postgres::{PostgresPlace, PostgresStore};
use crate::store::{LogLimits, RealDisk, SqliteStore, Store};

/// A file in the state directory, or a database that nodes share.
#[derive(Clone, Default)]
pub enum StorePlace {
    /// The file.
    #[default]
    Sqlite,
    /// The database.
    #[cfg(feature = "postgres")]
    Postgres(PostgresPlace),
}

impl StorePlace {
    /// Finds what a configuration names: reads certificates and password, resolves names.
    ///
    /// # Errors
    /// [`DaemonError::Store`].
    pub fn find(config: &StoreConfig) -> Result<Self, DaemonError> {
        match config {
            StoreConfig::Sqlite => Ok(Self::Sqlite),
            #[cfg(feature = "postgres")]
            StoreConfig::Postgres(config) => Ok(Self::Postgres(PostgresPlace::find(config)?)),
        }
    }

    /// Opens the store of the state directory `dir`.
    pub(super) fn open(&self, dir: &Path, log: LogLimits) -> Result<Box<dyn Store>, DaemonError> {
        match self {
            Self::Sqlite => {
                let path = paths::store(dir);
                let path = std::path::absolute(&path).map_err(DaemonError::at(&path))?;
                let ready = || sandbox::enter(Role::Checkpointer);
                Ok(Box::new(SqliteStore::open_with(Box::new(RealDisk), path, log, ready)?))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(place) => {
                // Nobody changes the keyring meanwhile, as with a store in that place.
                let lock = StoreLock::take(&paths::store(dir))?;
                Ok(Box::new(PostgresStore::open_at(place)?.holding(lock)))
            }
        }
    }
}
