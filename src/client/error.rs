//! What can go wrong for a client.

use std::fmt;

use thiserror::Error;

use crate::wire::{Fault, Status};

/// Why a client has no answer. Nothing of a request or reply is in it.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The daemon refused, with its status and what it said of it.
    #[error("{}", Told(.0, .1.as_deref()))]
    Refused(Status, Option<String>),
    /// The daemon refused with a status that this client does not know.
    #[error("the daemon refused with the unknown status {0:#06x}")]
    UnknownStatus(u16),
    /// The socket. After a failed write the connection is of no more use; after a
    /// read that timed out, [`receive`](super::Client::receive) may be called again.
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
    /// The daemon closed the connection. Whether requests that were under way
    /// were done is not known: ask again with the same idempotency keys.
    #[error("the daemon closed the connection")]
    Closed,
    /// The daemon is stopping and has closed the connection in order: no request that
    /// it has not answered was done, so that each may be sent to the next daemon.
    #[error("the daemon is stopping; nothing that it has not answered was done")]
    GoneAway,
    /// The connection broke while a request without an idempotency key was under way,
    /// which may be done or not: it was not sent again.
    #[error("whether the request was done is not known, and it has no key to be asked again under")]
    Unknown,
    /// No daemon was there, or stayed, for as long as the client waits for one. What
    /// has a key or changes nothing may be asked again.
    #[error("no daemon answers: {0}")]
    Away(String),
    /// The daemon sent something that the protocol does not allow.
    #[error("the daemon broke the protocol: {0}")]
    Protocol(&'static str),
    /// The daemon sent a body that cannot be read.
    #[error("the daemon's reply cannot be read: {0}")]
    Body(Fault),
    /// The request cannot be sent: it is larger than the frames agreed on, or a
    /// batch of a wrong size.
    #[error("the request cannot be sent: {0}")]
    Request(Fault),
    /// As many requests are under way as were agreed on: receive some first.
    #[error("as many requests are under way as were agreed on")]
    Full,
    /// Requests are under way, so that one answer can't be waited for alone.
    #[error("requests are under way: receive their answers first")]
    UnderWay,
    /// No request is under way, so no answer can come.
    #[error("no request is under way")]
    NothingUnderWay,
    /// The connection failed before.
    #[error("the connection failed before")]
    Broken,
}

impl ClientError {
    /// The status, if the daemon refused.
    #[must_use]
    pub const fn status(&self) -> Option<Status> {
        match self {
            Self::Refused(status, _) => Some(*status),
            _ => None,
        }
    }
}

/// A refusal for people: the daemon's words, or those of the status.
struct Told<'t>(&'t Status, Option<&'t str>);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(text) => f.write_str(text),
            None => write!(f, "{}", self.0),
        }
    }
}
