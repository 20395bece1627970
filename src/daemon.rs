//! The daemon: sockets, peers, connections and the one committer around the
//! engine. One blocking thread a connection; no async runtime in the process
//! that holds keys.

pub mod anchor;
pub mod config;
mod connection;
mod control;
mod error;
mod hall;
mod house;
mod http;
pub mod keyring_file;
mod metrics;
pub mod options;
pub mod paths;
mod peer;
mod server;
mod sockets;
mod start;
mod sync;

pub use connection::{Lobby, SERVER, serve};
pub use error::DaemonError;
pub use hall::{Committer, Duty, Hall, Stopped};
pub use house::{House, Opened, Site, UnsealError};
pub use metrics::Metrics;
pub use peer::{Accepted, Authorised, Identified, PeerError};
pub use sockets::Door;
pub use start::{main, run};
