//! Why the engine cannot be opened or must stop.

use thiserror::Error;

use super::Rollback;
use crate::crypto::{CryptoError, SelfTestError};
use crate::store::StoreError;

/// What keeps an engine from serving at all. What it refuses while it serves is
/// a [`Refusal`](crate::command::Refusal).
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EngineError {
    /// A known answer did not come out.
    #[error(transparent)]
    SelfTest(#[from] SelfTestError),
    /// The store failed or is damaged.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A journal group does not chain to the one before: it was changed, or
    /// belongs to another keyring.
    #[error("journal group {0} does not chain to the one before it, or belongs to another keyring")]
    Chain(u64),
    /// Database, anchor and keyring are not of one time.
    #[error(transparent)]
    Rollback(#[from] Rollback),
    /// A primitive failed.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}
