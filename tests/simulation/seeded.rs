//! Everything random in a run comes from its seed.

use std::sync::Mutex;

use rand::rngs::ChaCha12Rng;
use rand::{Rng, RngExt, SeedableRng};
use sha2::{Digest, Sha256};
use tallystick::crypto::{Random, RandomError};

/// A generator of its own for each purpose, so that one more draw for one does
/// not change what the others get.
fn generator(seed: u64, purpose: &str) -> ChaCha12Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_be_bytes());
    hash.update(purpose);
    ChaCha12Rng::from_seed(hash.finalize().into())
}

/// Draws for one purpose.
pub struct Dice(ChaCha12Rng);

impl Dice {
    pub fn new(seed: u64, purpose: &str) -> Self {
        Self(generator(seed, purpose))
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        self.0.random_range(low..=high)
    }

    /// An index below `count`.
    pub fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.between(0, count as u64 - 1)).unwrap()
    }

    /// True so many times in a thousand.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.between(1, 1000) <= per_mille
    }

    pub fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }

    /// An index, each as likely as its weight says.
    pub fn weighted(&mut self, weights: &[u64]) -> usize {
        let mut at = self.between(1, weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if at <= *weight {
                return index;
            }
            at -= weight;
        }
        unreachable!("the weights add up")
    }

    /// Mostly less than `mean`, now and then much more.
    pub fn about(&mut self, mean: u64) -> u64 {
        let part = self.between(1, 1000);
        // The quantile function of the exponential distribution, in whole numbers.
        let halvings = (1000 / part).ilog2() as u64;
        mean * halvings * 7 / 10 + self.between(0, mean)
    }
}

/// The engine's randomness.
pub struct Seeded(Mutex<ChaCha12Rng>);

impl Seeded {
    pub fn new(seed: u64, purpose: &str) -> Self {
        Self(Mutex::new(generator(seed, purpose)))
    }
}

impl Random for Seeded {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RandomError> {
        self.0.lock().unwrap().fill_bytes(buffer);
        Ok(())
    }
}
