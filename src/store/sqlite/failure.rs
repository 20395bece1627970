//! What an error of SQLite means to the caller of a store.

use rusqlite::{Error, ErrorCode, ffi};

use super::super::StoreError;

const UNINTELLIGIBLE: StoreError = StoreError::Corrupt("SQLite can make no sense of the database");

/// Translates an error of the database library. Its own message may quote what
/// a row holds, so only the text of its code is kept.
pub(super) fn failed(error: Error) -> StoreError {
    match error {
        Error::SqliteFailure(error, _) => match error.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::InUse,
            ErrorCode::DiskFull => StoreError::Full,
            ErrorCode::DatabaseCorrupt => StoreError::Corrupt("the database is malformed"),
            ErrorCode::NotADatabase => StoreError::Corrupt("the file is no database"),
            _ if error.extended_code == ffi::SQLITE_IOERR_SHORT_READ => {
                StoreError::Corrupt("the database is cut short")
            }
            // Every statement fits the schema, so this one's database doesn't.
            _ if error.extended_code == ffi::SQLITE_ERROR => UNINTELLIGIBLE,
            _ => StoreError::Io(error.to_string()),
        },
        Error::SqlInputError { .. } => UNINTELLIGIBLE,
        Error::QueryReturnedNoRows => StoreError::Corrupt("a row that is always there is missing"),
        Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::FromSqlConversionFailure(..) => StoreError::Corrupt("a stored value has another form"),
        Error::ToSqlConversionFailure(_) => StoreError::Io("a value is too large to be stored".to_owned()),
        _ => StoreError::Io("the database library refused a call".to_owned()),
    }
}

/// Translates a failure of the system in doing something with `what`.
pub(super) fn io(what: &str, error: &std::io::Error) -> StoreError {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => StoreError::Full,
        kind => StoreError::Io(format!("{what}: {kind}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::Connection;

    #[test]
    fn carries_no_content() {
        let connection = Connection::open_in_memory().unwrap();
        let error = connection.query_row("SELECT json('4111111111111111')+abs('x', 1)", [], |_| Ok(()));
        let text = failed(error.unwrap_err()).to_string();
        assert!(!text.contains("4111"), "{text}");
        let error = connection.query_row("SELECT '4111111111111111'", [], |row| row.get::<_, u32>(0));
        assert!(matches!(failed(error.unwrap_err()), StoreError::Corrupt(text) if !text.contains("4111")));
    }

    #[test]
    fn a_full_disk_is_full_however_it_is_met() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert_eq!(io("a file", &full), StoreError::Full);
        let full = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        assert_eq!(failed(Error::SqliteFailure(full, None)), StoreError::Full);
    }
}
