//! The daemon: sockets, peers, connections and the one committer around the
//! engine. One blocking thread a connection; no async runtime in the process
//! that holds keys.

pub mod config;
mod hall;
pub mod paths;
mod peer;

pub use hall::{Hall, Stopped};
pub use peer::{Accepted, Authorised, Identified, PeerError};
