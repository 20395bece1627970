//! Why the house does not do what it is asked to. Each API has its own words for each.

use thiserror::Error;

use crate::types::{ExpiryError, PanError};
use crate::vault::db::DbError;
use crate::vault::engine::EngineError;
use crate::vault::ids::NoRandom;

/// Why something is not done.
#[derive(Debug, Error)]
pub enum Fault {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The vault's database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The system.
    #[error(transparent)]
    Random(#[from] NoRandom),
    /// The card number.
    #[error(transparent)]
    Pan(#[from] PanError),
    /// The expiry.
    #[error(transparent)]
    Expiry(#[from] ExpiryError),
    /// The card has expired.
    #[error("the card has expired")]
    CardExpired,
    /// The card verification value.
    #[error("the cvv must be between 3 and 4 digits")]
    Cvv,
    /// The order is paid, or is being paid.
    #[error("the order is paid already")]
    OrderPaid,
    /// The order's time is over.
    #[error("the order has expired")]
    OrderOver,
    /// The order was tried to pay as often as it may be.
    #[error("the order was tried to pay too often")]
    Attempts,
    /// There is no such thing, or it is another merchant's or customer's.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// The instrument was deleted.
    #[error("the instrument was deleted")]
    Deleted,
    /// The idempotency key was used with another request.
    #[error("the idempotency key was used with another request")]
    KeyReused,
    /// The idempotency key is not one.
    #[error("an idempotency key has 1 to 64 printable characters")]
    KeyMalformed,
    /// The token service provider did not answer in time.
    #[error("There is an issue in connecting with the token service provider")]
    ProviderTimeout,
    /// The second factor is missing or failed.
    #[error("the cardholder is not authenticated")]
    NotAuthenticated,
    /// The card that the engine held is gone.
    #[error("the card is not held any more")]
    CardGone,
}
