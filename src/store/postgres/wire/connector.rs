//! Makes connections, again and again, with what was read once: later the sandbox keeps
//! files and name service away.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use secrecy::SecretSlice;
use zeroize::Zeroizing;

use super::super::config::{PostgresConfig, PostgresHost};
use super::super::fault::Fault;
use super::login::Login;
use super::stream::Stream;
use super::{Wire, tls};

/// Makes connections.
pub(in super::super) struct Connector {
    places: Vec<Place>,
    tls: Option<Arc<ClientConfig>>,
    certified: bool,
    database: String,
    user: String,
    password: Option<SecretSlice<u8>>,
    patience: Duration,
    turn_timeout: Duration,
}

/// Where a server may be.
enum Place {
    Tcp { host: String, address: SocketAddr },
    Unix { directory: PathBuf, port: u16 },
}

impl Connector {
    /// Reads the files and resolves the names.
    pub(in super::super) fn new(config: &PostgresConfig) -> Result<Self, Fault> {
        let mut places = Vec::new();
        for host in &config.hosts {
            match host {
                PostgresHost::Unix(directory, port) => {
                    places.push(Place::Unix { directory: directory.clone(), port: *port });
                }
                PostgresHost::Tcp(host, port) => {
                    let addresses = (host.as_str(), *port).to_socket_addrs()?;
                    places.extend(addresses.map(|address| Place::Tcp { host: host.clone(), address }));
                }
            }
        }
        if places.is_empty() {
            return Err(Fault::Refused("no address of the database is given"));
        }
        Ok(Self {
            places,
            tls: config.tls.as_ref().map(tls::client).transpose()?,
            certified: config.tls.as_ref().is_some_and(|tls| tls.identity.is_some()),
            database: config.database.clone(),
            user: config.user.clone(),
            password: config.password_file.as_deref().map(read_password).transpose()?,
            patience: config.patience,
            turn_timeout: config.turn_timeout,
        })
    }

    /// How long all tries together may take.
    pub(in super::super) fn patience(&self) -> Duration {
        self.patience
    }

    /// Connects to the first place that takes writes. What went wrong last is told.
    pub(in super::super) fn connect(&self) -> Result<Wire, Fault> {
        let mut fault = Fault::Standby;
        for place in &self.places {
            match self.connect_to(place) {
                Ok(wire) => return Ok(wire),
                Err(next) if next.passes() => fault = next,
                Err(last) => return Err(last),
            }
        }
        Err(fault)
    }

    fn connect_to(&self, place: &Place) -> Result<Wire, Fault> {
        let wait = (self.patience / 4).max(Duration::from_millis(1));
        let stream = match (place, &self.tls) {
            (Place::Unix { directory, port }, _) => Stream::unix(directory, *port)?,
            (Place::Tcp { address, .. }, None) => Stream::Tcp(Stream::tcp(address, wait)?),
            (Place::Tcp { host, address }, Some(config)) => {
                tls::wrap(Stream::tcp(address, wait)?, config, host, wait)?
            }
        };
        let local = matches!(place, Place::Unix { .. });
        // Half, so that what came to nothing can be tried again; and a turn is waited for longer
        // than the server lets one stall.
        let login = Login {
            user: &self.user,
            database: &self.database,
            password: self.password.as_ref(),
            turn_timeout: self.turn_timeout,
            known_otherwise: local || self.certified,
        };
        Wire::log_in(stream, wait, self.patience / 2, &login)
    }
}

fn read_password(path: &std::path::Path) -> Result<SecretSlice<u8>, Fault> {
    let unread = |_| Fault::Refused("the database's password file cannot be read");
    let bytes = Zeroizing::new(std::fs::read(path).map_err(unread)?);
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(Fault::Refused("the database's password file is empty"));
    }
    Ok(line.to_vec().into())
}
