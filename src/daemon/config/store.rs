//! Where the store is: a file in the state directory, or a database that nodes share.

use serde::Deserialize;

use super::ConfigError;
#[cfg(feature = "postgres")]
use crate::store::postgres::PostgresConfig;

/// Where the store is.
#[derive(Debug, Clone)]
pub enum StoreConfig {
    /// The file `tally.db` in the state directory.
    Sqlite,
    /// A database that several nodes may share.
    #[cfg(feature = "postgres")]
    Postgres(Box<PostgresConfig>),
}

/// `[store]` as it stands in the file.
#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum RawStore {
    Sqlite {},
    #[cfg(feature = "postgres")]
    Postgres(Box<postgres::RawPostgres>),
}

pub(super) fn parse(raw: Option<&RawStore>) -> Result<StoreConfig, ConfigError> {
    match raw {
        None | Some(RawStore::Sqlite {}) => Ok(StoreConfig::Sqlite),
        #[cfg(feature = "postgres")]
        Some(RawStore::Postgres(raw)) => Ok(StoreConfig::Postgres(Box::new(postgres::parse(raw)?))),
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use std::net::IpAddr;
    use std::path::PathBuf;
    use std::time::Duration;

    use serde::Deserialize;

    use super::super::{ConfigError, fault, within};
    use crate::store::postgres::{NodeName, PostgresConfig, PostgresHost, PostgresTls};

    /// The port that PostgreSQL has unless told otherwise.
    const PORT: u16 = 5432;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct RawPostgres {
        hosts: Vec<String>,
        database: String,
        user: String,
        password_file: Option<PathBuf>,
        ca_file: Option<PathBuf>,
        certificate_file: Option<PathBuf>,
        key_file: Option<PathBuf>,
        node: String,
        patience_seconds: Option<u64>,
        turn_milliseconds: Option<u64>,
    }

    pub fn parse(raw: &RawPostgres) -> Result<PostgresConfig, ConfigError> {
        let hosts = raw.hosts.iter().enumerate().map(|(at, text)| {
            let host = host(text).ok_or_else(|| {
                fault(
                    format!("store.hosts[{at}]"),
                    "must be a host or the directory of a socket, and `:PORT` if it is another than 5432",
                )
            })?;
            if raw.ca_file.is_none() && !stays_here(&host) {
                return Err(fault(
                    "store.ca_file",
                    format!("must be given: store.hosts[{at}] is another machine"),
                ));
            }
            Ok(host)
        });
        let hosts: Vec<_> = hosts.collect::<Result<_, _>>()?;
        if hosts.is_empty() {
            return Err(fault("store.hosts", "must name a server"));
        }
        for (field, value) in [("store.database", &raw.database), ("store.user", &raw.user)] {
            if value.is_empty() || value.contains('\0') {
                return Err(fault(field, "must be a name"));
            }
        }
        let patience = raw.patience_seconds.unwrap_or(PostgresConfig::PATIENCE.as_secs());
        let patience = Duration::from_secs(within("store.patience_seconds", patience, 1, 3600)?);
        let turn = raw.turn_milliseconds.map_or(PostgresConfig::TURN_TIMEOUT, Duration::from_millis);
        // Else who waits behind a node that stalls gives up before the server breaks its turn.
        if turn < Duration::from_millis(100) || turn.saturating_mul(2) >= patience {
            return Err(fault(
                "store.turn_milliseconds",
                "must be 100 or more, and less than half of store.patience_seconds",
            ));
        }
        Ok(PostgresConfig {
            hosts,
            database: raw.database.clone(),
            user: raw.user.clone(),
            password_file: raw.password_file.clone(),
            tls: tls(raw)?,
            node: NodeName::parse(&raw.node)
                .map_err(|_| fault("store.node", "must be 1 to 63 of a-z, 0-9, `-`, `_` and `.`"))?,
            patience,
            turn_timeout: turn,
        })
    }

    fn tls(raw: &RawPostgres) -> Result<Option<PostgresTls>, ConfigError> {
        let identity = match (&raw.certificate_file, &raw.key_file) {
            (None, None) => None,
            (Some(certificate), Some(key)) => Some((certificate.clone(), key.clone())),
            (None, Some(_)) => return Err(fault("store.certificate_file", "must be given with key_file")),
            (Some(_), None) => return Err(fault("store.key_file", "must be given with certificate_file")),
        };
        match (&raw.ca_file, identity) {
            (Some(ca), identity) => Ok(Some(PostgresTls { ca: ca.clone(), identity })),
            (None, Some(_)) => Err(fault("store.ca_file", "must be given with certificate_file")),
            (None, None) => Ok(None),
        }
    }

    fn host(text: &str) -> Option<PostgresHost> {
        let bare = text.parse::<std::net::Ipv6Addr>().is_ok();
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !bare && !port.contains(']') => {
                (name, port.parse().ok().filter(|port| *port > 0)?)
            }
            _ => (text, PORT),
        };
        if name.starts_with('/') {
            return Some(PostgresHost::Unix(PathBuf::from(name), port));
        }
        let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
        let good = !name.is_empty() && name.bytes().all(good);
        good.then(|| PostgresHost::Tcp(name.to_owned(), port))
    }

    /// Whether what is said to a host never leaves this machine.
    fn stays_here(host: &PostgresHost) -> bool {
        match host {
            PostgresHost::Unix(..) => true,
            PostgresHost::Tcp(name, _) => name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn hosts_are_names_addresses_or_directories() {
            let tcp = |name: &str, port| Some(PostgresHost::Tcp(name.to_owned(), port));
            let unix = |name: &str, port| Some(PostgresHost::Unix(PathBuf::from(name), port));
            for (text, meant) in [
                ("db.example", tcp("db.example", 5432)),
                ("db.example:6432", tcp("db.example", 6432)),
                ("127.0.0.1:1", tcp("127.0.0.1", 1)),
                ("::1", tcp("::1", 5432)),
                ("[::1]:26257", tcp("::1", 26257)),
                ("[::1]", tcp("::1", 5432)),
                ("/run/postgresql", unix("/run/postgresql", 5432)),
                ("/run/postgresql:5433", unix("/run/postgresql", 5433)),
                ("", None),
                ("db:0", None),
                ("db:x", None),
                ("db:65536", None),
                ("postgres://db", None),
                ("a b", None),
            ] {
                assert_eq!(host(text), meant, "{text}");
            }
        }
    }
}
