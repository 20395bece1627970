//! What the outside world gives to an operation.

use crate::command::Caller;
use crate::crypto::Random;
use crate::types::UnixTime;

/// The clock, randomness and caller of one operation.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Now.
    pub now: UnixTime,
    /// Randomness for token numbers and nonces.
    pub random: &'a dyn Random,
    /// Who asks.
    pub caller: &'a Caller,
}
