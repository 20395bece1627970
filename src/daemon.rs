//! The daemon: sockets, peers, connections and the one committer around the
//! engine. One blocking thread a connection; no async runtime in the process
//! that holds keys.

pub mod anchor;
pub mod audit;
pub mod backup;
pub mod config;
mod connection;
mod control;
mod error;
mod hall;
mod house;
pub(crate) mod http;
pub mod keyring_file;
mod last_end;
mod metrics;
pub mod options;
pub mod paths;
mod peer;
mod porter;
mod rate;
pub mod sandbox;
mod server;
mod service;
mod sockets;
mod start;
mod sync;

pub use connection::{Lobby, SERVER, serve};
pub use error::DaemonError;
pub use hall::{Committer, Duty, Hall, Stopped};
pub use house::{House, Opened, Site, StorePlace, UnsealError};
use house::{KeyChange, of_import};
pub use last_end::{Ending, LastEnd};
pub use metrics::Metrics;
pub use peer::{Accepted, Authorised, Examiner, Identified, PeerError, Process, ProcessError};
pub use rate::{Bucket, Rates};
pub use sockets::Door;
pub use start::{main, run};
