//! What a daemon can be found guilty of.

use std::fmt;

use tallystick::wire::Status;
use thiserror::Error;

use crate::log::Entry;

/// A promise that was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum Kind {
    #[error("a counter of the token was issued twice")]
    AtcTwice,
    #[error("a counter was issued that is not above one acknowledged before")]
    AtcFell,
    #[error("an acknowledged issue is forgotten: its counter counts as never issued")]
    IssueLost,
    #[error("a counter was accepted twice")]
    AcceptedTwice,
    #[error("accepted, although an acknowledged consumption lies more than 64 above")]
    AcceptedBehindWindow,
    #[error("another counter was accepted than the one presented")]
    AcceptedOther,
    #[error("a good cryptogram that nobody can have used was refused: {}", .0.name())]
    RefusedGood(Status),
    #[error("a retry with its idempotency key gave other bytes")]
    ReplyChanged,
    #[error("a retry with an acknowledged idempotency key was refused: {}", .0.name())]
    KeyForgotten(Status),
    #[error("an idempotency key was taken for another request")]
    ConflictMissed,
    #[error("the same request was called another under its idempotency key")]
    ConflictInvented,
    #[error("two retries of a request without a known answer ended differently")]
    RetriesDiffer,
    #[error("an acknowledged token is unknown")]
    TokenLost,
    #[error("a token number was given twice")]
    TokenTwice,
    #[error("a token is not what was acknowledged")]
    TokenChanged,
    #[error("the daemon holds another number of tokens than were made")]
    TokenCount,
    #[error("a status is shown that no change can have left")]
    StatusWrong,
    #[error("a token was used while it was suspended")]
    UsedSuspended,
    #[error("a token was refused as suspended while it was active")]
    RefusedActive,
    #[error("a token gave another PAN than was saved")]
    PanWrong,
    #[error("a short value was accepted that was never issued")]
    ShortInvented,
    #[error("an outstanding short value was refused")]
    ShortRefused,
    #[error("short values were served although five misses had locked them")]
    LockForgotten,
    #[error("short values were called locked without five misses")]
    LockInvented,
    #[error("refused for no good reason: {}", .0.name())]
    Unexpected(Status),
    #[error("a reply of another kind than was asked for")]
    OtherReply,
}

/// A broken promise, and the request that showed it.
#[derive(Debug, Clone)]
pub struct Fault {
    pub kind: Kind,
    pub shown_by: String,
}

impl Fault {
    pub fn of(kind: Kind, entry: &Entry) -> Self {
        Self { kind, shown_by: entry.to_string() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.kind, self.shown_by)
    }
}
