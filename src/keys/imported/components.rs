//! A key that comes in components, which its custodians bring one by one.

use std::fmt;

use super::ImportError;
use super::rules::is_weak;
use crate::crypto::{CryptoError, KeyAlgorithm};
use crate::keys::{CheckMethod, CheckValue};
use crate::secmem::{MAC_STACK, Region, Secret32, scrubbed};

/// Fewest components of a key.
const LEAST: usize = 2;
/// Most components of a key.
const MOST: usize = 8;

/// Components of a key, xored in locked memory as they come. None is kept.
pub struct Components {
    region: Region,
    algorithm: KeyAlgorithm,
    sum: Secret32,
    given: Vec<CheckValue>,
}

impl Components {
    /// None given yet, of a key of this algorithm.
    ///
    /// # Errors
    /// [`ImportError::Keyring`] if there is no locked memory.
    pub fn new(region: &Region, algorithm: KeyAlgorithm) -> Result<Self, ImportError> {
        let sum = Secret32::fill_with(region, |_| Ok::<_, CryptoError>(()))?;
        Ok(Self { region: region.clone(), algorithm, sum, given: Vec::with_capacity(MOST) })
    }

    /// Takes one component, as long as the key, whose bytes the caller wipes, with its
    /// check value. Tells how many there are now.
    ///
    /// # Errors
    /// [`ImportError::WrongComponent`] if it has another length or was given before;
    /// [`ImportError::CheckValue`]; [`ImportError::Components`] beyond 8. What was given
    /// before is kept.
    pub fn give(&mut self, component: &[u8], check: CheckValue) -> Result<usize, ImportError> {
        if component.len() != self.algorithm.key_len() {
            return Err(ImportError::WrongComponent);
        }
        if self.given.len() == MOST {
            return Err(ImportError::Components);
        }
        let own = CheckValue::of(self.algorithm, CheckMethod::of(self.algorithm), component)?;
        if !own.fits(&check) {
            return Err(ImportError::CheckValue);
        }
        // Twice the same would cancel itself.
        if self.given.contains(&own) {
            return Err(ImportError::WrongComponent);
        }
        let sum = scrubbed::<MAC_STACK, _>(|| {
            Secret32::fill_with(&self.region, |slot| {
                slot.copy_from_slice(self.sum.expose());
                slot.iter_mut().zip(component).for_each(|(slot, byte)| *slot ^= byte);
                Ok::<_, CryptoError>(())
            })
        })?;
        self.sum = sum;
        self.given.push(own);
        Ok(self.given.len())
    }

    /// The algorithm of the key.
    #[must_use]
    pub const fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The check value of the key as it would be with what was given so far.
    ///
    /// # Errors
    /// [`ImportError::Components`] with fewer than two; [`ImportError::Weak`].
    pub fn check_value(&self) -> Result<CheckValue, ImportError> {
        let key = self.key()?;
        Ok(CheckValue::of(self.algorithm, CheckMethod::of(self.algorithm), key)?)
    }

    /// The key.
    pub(in crate::keys) fn key(&self) -> Result<&[u8], ImportError> {
        if self.given.len() < LEAST {
            return Err(ImportError::Components);
        }
        let key = self.sum.expose().get(..self.algorithm.key_len()).unwrap_or_default();
        if is_weak(self.algorithm, key) { Err(ImportError::Weak) } else { Ok(key) }
    }
}

impl fmt::Debug for Components {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Components({}, {} given, redacted)", self.algorithm.name(), self.given.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(algorithm: KeyAlgorithm, key: &[u8]) -> CheckValue {
        CheckValue::of(algorithm, CheckMethod::of(algorithm), key).unwrap()
    }

    #[test]
    fn they_are_xored_whatever_their_order() {
        let region = Region::new(4).unwrap();
        for algorithm in KeyAlgorithm::ALL {
            let parts: Vec<Vec<u8>> = (1..4u8)
                .map(|nth| {
                    (0..algorithm.key_len())
                        .map(|at| nth.wrapping_mul(37) ^ u8::try_from(at * 7).unwrap())
                        .collect()
                })
                .collect();
            let key: Vec<u8> =
                (0..algorithm.key_len()).map(|at| parts[0][at] ^ parts[1][at] ^ parts[2][at]).collect();
            for order in [[0, 1, 2], [2, 0, 1]] {
                let mut components = Components::new(&region, algorithm).unwrap();
                for (nth, part) in order.into_iter().enumerate() {
                    assert_eq!(components.give(&parts[part], check(algorithm, &parts[part])), Ok(nth + 1));
                }
                assert_eq!(components.key().unwrap(), key);
                assert_eq!(components.check_value().unwrap(), check(algorithm, &key));
            }
        }
        assert_eq!(region.free_slots(), 4);
    }

    #[test]
    fn what_is_wrong_is_told_and_nothing_is_lost() {
        let region = Region::new(4).unwrap();
        let algorithm = KeyAlgorithm::Aes128;
        let mut components = Components::new(&region, algorithm).unwrap();
        let (a, b) = ([1; 16], [2; 16]);
        assert_eq!(components.give(&a, check(algorithm, &a)), Ok(1));
        assert_eq!(components.key().err(), Some(ImportError::Components));
        assert_eq!(components.give(&b, check(algorithm, &a)), Err(ImportError::CheckValue));
        assert_eq!(components.give(&a, check(algorithm, &a)), Err(ImportError::WrongComponent));
        assert_eq!(components.give(&[2; 24], check(algorithm, &b)), Err(ImportError::WrongComponent));
        let shown = CheckValue::from_bytes(&check(algorithm, &b).as_bytes()[..3]).unwrap();
        assert_eq!(components.give(&b, shown), Ok(2));
        assert_eq!(components.key().unwrap(), [3; 16]);
        assert_eq!(components.give(&[3; 16], check(algorithm, &[3; 16])), Ok(3));
        assert_eq!(components.key().err(), Some(ImportError::Weak), "they cancel each other");
        for nth in 4..=8 {
            assert!(components.give(&[nth * 16; 16], check(algorithm, &[nth * 16; 16])).is_ok());
        }
        let ninth = components.give(&[9; 16], check(algorithm, &[9; 16]));
        assert_eq!(ninth, Err(ImportError::Components));
        assert!(!format!("{components:?}").contains('['));
    }
}
