//! What can go wrong between this node and the database.

use std::io;

use postgres_protocol::message::backend::ErrorFields;

use super::super::StoreError;
use fallible_iterator::FallibleIterator;

/// Why an exchange failed. Nothing of what the database says is kept but its code:
/// its messages quote values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The connection could not be made, or ended.
    Lost(io::ErrorKind),
    /// The server refused, with this SQLSTATE.
    Server(SqlState),
    /// What came is not what the protocol allows here.
    Protocol(&'static str),
    /// The server is a standby, which takes no writes.
    Standby,
    /// It will not be better the next time.
    Refused(&'static str),
    /// The store itself objects to what it found.
    Store(StoreError),
}

/// The five characters by which a server says what is wrong (PostgreSQL, appendix A).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SqlState([u8; 5]);

impl SqlState {
    /// Reads the code out of an error's fields.
    pub(super) fn of(mut fields: ErrorFields<'_>) -> Self {
        let mut state = Self(*b"?????");
        while let Ok(Some(field)) = fields.next() {
            if field.type_() == b'C'
                && let Ok(code) = <[u8; 5]>::try_from(field.value_bytes())
                && code.iter().all(u8::is_ascii_alphanumeric)
            {
                state = Self(code);
            }
        }
        state
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.0).unwrap_or("?????")
    }

    /// Whether another try, on a new connection, may go better: connections that are
    /// over (class 08, 57P0x, 25P03), too many of them (53300), a standby (25006), and
    /// transactions that met others (40001, 40P01; 40003, whose outcome is not known).
    fn passes(self) -> bool {
        let code = self.as_str();
        code.starts_with("08")
            || code.starts_with("57P")
            || matches!(code, "25P03" | "53300" | "25006" | "40001" | "40P01" | "40003")
    }
}

impl Fault {
    /// Whether another try, on a new connection, may go better.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Lost(_) | Self::Protocol(_) | Self::Standby => true,
            Self::Server(state) => state.passes(),
            Self::Refused(_) | Self::Store(_) => false,
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Lost(error.kind())
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        let io = |text: String| Self::Io(text);
        match fault {
            Fault::Store(error) => error,
            Fault::Lost(kind) => io(format!("the database cannot be reached: {kind}")),
            Fault::Protocol(what) => io(format!("the database does not keep to its protocol: {what}")),
            Fault::Standby => io("every database given is a standby".to_owned()),
            Fault::Refused(why) => io(why.to_owned()),
            Fault::Server(state) => match state.as_str() {
                "53100" => Self::Full,
                "3F000" | "42P01" | "42703" => Self::Corrupt("the database has not this store's tables"),
                "42501" => io("the database role lacks a privilege (SQLSTATE 42501)".to_owned()),
                "28P01" | "28000" => {
                    io("the database refuses this user (its password, or pg_hba.conf)".to_owned())
                }
                code => io(format!("the database refused: SQLSTATE {code}")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store_error(code: &[u8; 5]) -> StoreError {
        Fault::Server(SqlState(*code)).into()
    }

    #[test]
    fn codes_mean_what_the_store_promises() {
        assert_eq!(store_error(b"53100"), StoreError::Full);
        assert!(matches!(store_error(b"42P01"), StoreError::Corrupt(_)));
        assert_eq!(store_error(b"XX000"), StoreError::Io("the database refused: SQLSTATE XX000".to_owned()));
        for code in [b"40001", b"40P01", b"57P01", b"25P03", b"08006", b"53300"] {
            assert!(Fault::Server(SqlState(*code)).passes());
        }
        for code in [b"53100", b"28P01", b"42501", b"23505", b"XX000"] {
            assert!(!Fault::Server(SqlState(*code)).passes());
        }
    }
}
