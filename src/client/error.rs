//! What can go wrong for a client.

use thiserror::Error;

use crate::wire::{Fault, Status};

/// Why a client has no answer.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The daemon refused, with its status.
    #[error("{}{}", .0.status, .0.field.map_or(String::new(), |field| format!(" (field {field})")))]
    Refused(Fault),
    /// The socket.
    #[error("the connection failed: {0}")]
    Io(#[from] std::io::Error),
    /// The daemon closed the connection.
    #[error("the daemon closed the connection")]
    Closed,
    /// The daemon sent something that the protocol does not allow.
    #[error("the daemon broke the protocol: {0}")]
    Protocol(&'static str),
    /// The daemon sent a body that cannot be read.
    #[error("the daemon's reply cannot be read: {0}")]
    Body(#[from] Fault),
    /// The request is larger than the frames agreed on.
    #[error("the request is larger than the frames agreed on")]
    TooLarge,
}

impl ClientError {
    /// The status, if the daemon refused.
    #[must_use]
    pub const fn status(&self) -> Option<Status> {
        match self {
            Self::Refused(fault) => Some(fault.status),
            _ => None,
        }
    }
}
