//! How far a session is. The words are ours; the document has none but for the three
//! ends.

use crate::types::UnixTime;
use crate::vault::db::{Payment, Session, State};

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was begun, and its window is open.
    Open,
    /// A payment waits for its second factor.
    AwaitingAuthentication,
    /// The issuer is asked.
    Processing,
    /// Paid.
    Succeeded,
    /// Not paid, and never will be.
    Failed,
    /// Its window closed before anything was begun.
    Expired,
}

impl Standing {
    /// How far a session is whose payment is this.
    #[must_use]
    pub fn of(session: &Session, payment: Option<&Payment>, now: UnixTime) -> Self {
        match payment.map(|payment| payment.state) {
            Some(State::Authenticating) => Self::AwaitingAuthentication,
            Some(State::Charging) => Self::Processing,
            Some(State::Charged) => Self::Succeeded,
            Some(State::Failed) => Self::Failed,
            None if session.cancelled => Self::Failed,
            None if session.is_over(now) => Self::Expired,
            None => Self::Open,
        }
    }

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::AwaitingAuthentication => "AWAITING_AUTHENTICATION",
            Self::Processing => "PROCESSING",
            Self::Succeeded => "SUCCEEDED",
            Self::Failed => "FAILED",
            Self::Expired => "EXPIRED",
        }
    }
}
