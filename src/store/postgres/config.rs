//! Which database, as whom, and how patiently.

use std::path::PathBuf;
use std::time::Duration;

use super::super::StoreError;

/// Where the database is and who this node is there.
#[derive(Debug, Clone)]
pub struct PostgresConfig {
    /// Where servers listen: the first that takes writes is used. Names are resolved
    /// once, when the store is opened.
    pub hosts: Vec<PostgresHost>,
    /// The database's name.
    pub database: String,
    /// The role to log in as.
    pub user: String,
    /// A file with its password; one line break at the end is no part of it.
    pub password_file: Option<PathBuf>,
    /// Without it nothing is encrypted; SCRAM still proves both sides to each other.
    pub tls: Option<PostgresTls>,
    /// The name of this node: a second process that opens the store under it fences the
    /// first.
    pub node: NodeName,
    /// For how long the database may be out of reach, or the turn be waited for.
    pub patience: Duration,
    /// After how long the server takes the turn from a node that stalls in it.
    pub turn_timeout: Duration,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostgresHost {
    /// A host, by name or address, and its port.
    Tcp(String, u16),
    /// The directory of its Unix socket, and the port in the socket's name.
    Unix(PathBuf, u16),
}

/// Whom to trust, and how to be known, each in a PEM file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresTls {
    /// The certificates of which one must have signed the server's, which must be for the
    /// host's name.
    pub ca: PathBuf,
    /// This node's certificate and its key, if the server asks for one.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl PostgresConfig {
    /// How patient a node is unless told otherwise.
    pub const PATIENCE: Duration = Duration::from_secs(20);
    /// How long a turn may stall unless told otherwise.
    pub const TURN_TIMEOUT: Duration = Duration::from_secs(5);
}

/// The name of a node: 1 to 63 of `a-z`, `0-9`, `-`, `_` and `.`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeName(String);

impl NodeName {
    /// Takes a name.
    ///
    /// # Errors
    /// [`StoreError::Io`] if it is none.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let allowed = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
        };
        if (1..=63).contains(&text.len()) && text.bytes().all(allowed) {
            return Ok(Self(text.to_owned()));
        }
        Err(StoreError::Io("a node's name is 1 to 63 of a-z, 0-9, '-', '_' and '.'".to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for name in ["a", "node-1.pay_2", &"x".repeat(63)] {
            assert_eq!(NodeName::parse(name).unwrap().as_str(), name);
        }
        for name in ["", "A", "a b", "a\0", "ä", &"x".repeat(64)] {
            assert!(NodeName::parse(name).is_err(), "{name}");
        }
    }
}
