//! Random bytes, as a parameter.

use ring::rand::SecureRandom as _;
use thiserror::Error;

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the system gave no random bytes")]
pub struct RandomError;

/// A source of random bytes. The engine has none of its own, so that a seeded
/// one makes a run repeatable.
pub trait Random: Send + Sync {
    /// Fills the buffer.
    ///
    /// # Errors
    /// [`RandomError`] if no bytes are to be had; the buffer is of no use then.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError>;
}

/// The system's generator.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        ring::rand::SystemRandom::new().fill(buffer).map_err(|_| RandomError)
    }
}
