//! What the engine is told at its making.

use std::num::NonZeroU32;

use crate::account::{BinController, TokenRange};
use crate::types::Network;

/// Settings of the engine. Validated where the configuration is parsed.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// The BIN controller id that begins derived PARs.
    pub bin_controller: BinController,
    /// Token BIN ranges by network of the card; the first with room is taken.
    pub token_ranges: Vec<(Network, TokenRange)>,
    /// Age at which a cryptogram is too old, in slots of ten minutes, 1 to 32767.
    pub max_age_slots: u16,
    /// Limits.
    pub limits: EngineLimits,
}

/// Limits of the engine: past each the caller is refused.
#[derive(Debug, Clone, Copy)]
pub struct EngineLimits {
    /// Tokens held.
    pub tokens: u32,
    /// Cards known by the counters of their application cryptograms.
    pub cards: usize,
    /// Cards that are linked to a PAR of a network or of the card before them.
    pub par_links: usize,
    /// Idempotency keys remembered at a time.
    pub idempotency_keys: usize,
    /// Seconds for which an idempotency key is remembered, at least 86,400.
    pub idempotency_seconds: u64,
    /// Counter moves, rows and records in one commit group.
    pub group: usize,
    /// Bytes of journal that a start may have to replay, or 16 a token if that
    /// is more.
    pub journal_bytes: u64,
    /// Cryptograms and short values that are issued and accepted a token and
    /// minute, 1 to 60,000, if there is a limit.
    pub token_per_minute: Option<NonZeroU32>,
    /// Seconds after its rotation for which a retiring key still verifies; past
    /// them it may be destroyed.
    pub key_grace_seconds: u64,
}

impl Default for EngineLimits {
    fn default() -> Self {
        Self {
            tokens: 1 << 24,
            cards: 1 << 20,
            par_links: 1 << 20,
            idempotency_keys: 1_000_000,
            idempotency_seconds: 86_400,
            group: 65_536,
            journal_bytes: 16 << 20,
            token_per_minute: None,
            key_grace_seconds: u64::MAX,
        }
    }
}
