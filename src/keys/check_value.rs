//! Key check values of block cipher keys, by which people and systems tell them apart.

use std::fmt;

use data_encoding::{HEXUPPER, HEXUPPER_PERMISSIVE};
use thiserror::Error;

use crate::crypto::{Aes, BlockCipher, CryptoError, KeyAlgorithm, Tdes};
use crate::secmem::{CIPHER_STACK, scrubbed};

/// Most bytes of a check value.
pub const MAX_CHECK_VALUE: usize = 5;
/// Fewest bytes that say enough.
const LEAST: usize = 3;

/// How a check value is computed (ANSI X9.24-1:2017, section 7.7.2 and Annex A).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckMethod {
    /// The first 3 bytes of a block of zeros, encrypted: of TDES keys.
    Legacy,
    /// The first 5 bytes of the CMAC of a block of zeros.
    Cmac,
}

/// The key check value of a block cipher key: 3 to 5 bytes. No secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CheckValue {
    bytes: [u8; MAX_CHECK_VALUE],
    length: usize,
}

/// A check value is 6, 8 or 10 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a key check value is 6, 8 or 10 hex digits")]
pub struct CheckValueError;

impl CheckMethod {
    /// The method that goes with an algorithm: legacy for TDES, CMAC for AES.
    #[must_use]
    pub const fn of(algorithm: KeyAlgorithm) -> Self {
        match algorithm {
            KeyAlgorithm::Tdes2 | KeyAlgorithm::Tdes3 => Self::Legacy,
            KeyAlgorithm::Aes128 | KeyAlgorithm::Aes192 | KeyAlgorithm::Aes256 => Self::Cmac,
        }
    }
}

impl CheckValue {
    /// The check value of a key, whose bytes the caller wipes. What this leaves on the
    /// stack is wiped.
    ///
    /// # Errors
    /// [`CryptoError::KeyLength`] if the key is not as long as its algorithm's are.
    pub fn of(algorithm: KeyAlgorithm, method: CheckMethod, key: &[u8]) -> Result<Self, CryptoError> {
        if key.len() != algorithm.key_len() {
            return Err(CryptoError::KeyLength);
        }
        let length = match method {
            CheckMethod::Legacy => LEAST,
            CheckMethod::Cmac => MAX_CHECK_VALUE,
        };
        let mut bytes = [0; MAX_CHECK_VALUE];
        scrubbed::<CIPHER_STACK, _>(|| {
            match algorithm {
                KeyAlgorithm::Tdes2 | KeyAlgorithm::Tdes3 => first(&Tdes::new(key)?, method, &mut bytes),
                KeyAlgorithm::Aes128 | KeyAlgorithm::Aes192 | KeyAlgorithm::Aes256 => {
                    first(&Aes::new(key)?, method, &mut bytes);
                }
            }
            Ok::<_, CryptoError>(())
        })?;
        let (_, unused) = bytes.split_at_mut(length);
        unused.fill(0);
        Ok(Self { bytes, length })
    }

    /// Reads 6, 8 or 10 hex digits.
    ///
    /// # Errors
    /// [`CheckValueError`].
    pub fn parse(text: &str) -> Result<Self, CheckValueError> {
        let decoded = HEXUPPER_PERMISSIVE.decode(text.as_bytes()).map_err(|_| CheckValueError)?;
        Self::from_bytes(&decoded).ok_or(CheckValueError)
    }

    /// The value with these bytes; none unless there are 3 to 5.
    #[must_use]
    pub fn from_bytes(given: &[u8]) -> Option<Self> {
        if !(LEAST..=MAX_CHECK_VALUE).contains(&given.len()) {
            return None;
        }
        let mut bytes = [0; MAX_CHECK_VALUE];
        bytes.iter_mut().zip(given).for_each(|(slot, byte)| *slot = *byte);
        Some(Self { bytes, length: given.len() })
    }

    /// The 3 to 5 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Whether both are of one key: many show only the first 3 bytes of 5.
    #[must_use]
    pub fn fits(&self, other: &Self) -> bool {
        self.as_bytes().starts_with(other.as_bytes()) || other.as_bytes().starts_with(self.as_bytes())
    }
}

fn first<const N: usize>(
    cipher: &impl BlockCipher<N>,
    method: CheckMethod,
    bytes: &mut [u8; MAX_CHECK_VALUE],
) {
    let block = match method {
        CheckMethod::Legacy => {
            let mut block = [0; N];
            cipher.encrypt(&mut block);
            block
        }
        CheckMethod::Cmac => cipher.cmac(&[&[0; N]]),
    };
    bytes.iter_mut().zip(block).for_each(|(slot, byte)| *slot = byte);
}

impl fmt::Display for CheckValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&HEXUPPER.encode(self.as_bytes()))
    }
}

impl fmt::Debug for CheckValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckValue({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    fn of(algorithm: KeyAlgorithm, key: &str) -> CheckValue {
        let key = HEXLOWER.decode(key.as_bytes()).unwrap();
        CheckValue::of(algorithm, CheckMethod::of(algorithm), &key).unwrap()
    }

    /// Computed with Python's `cryptography` and with `psec`.
    #[test]
    fn as_others_compute_them() {
        let tdes = of(KeyAlgorithm::Tdes2, "5bae7a265258c10b6eda791561267fcb");
        assert_eq!(tdes.to_string(), "5AE4A8");
        let key = "63dde1cc3df988404c06c0d4370d265deac1934f4e368209edcb74c8027fd851";
        let aes = of(KeyAlgorithm::Aes256, key);
        assert!(aes.to_string().starts_with("45438A") && aes.to_string().len() == 10, "{aes}");
        assert!(aes.fits(&CheckValue::parse("45438a").unwrap()));
        assert!(!aes.fits(&CheckValue::parse("45438b").unwrap()));
        assert!(!aes.fits(&tdes));
    }

    #[test]
    fn another_key_has_another_value_and_parity_does_not_count() {
        let value = |last: u8| {
            let key = [[7; 15].as_slice(), &[last]].concat();
            CheckValue::of(KeyAlgorithm::Tdes2, CheckMethod::Legacy, &key).unwrap()
        };
        assert!(value(6) == value(7) && value(4) != value(7));
        let lengths = [15, 17, 24, 0];
        for length in lengths {
            let refused = CheckValue::of(KeyAlgorithm::Tdes2, CheckMethod::Legacy, &vec![1; length]);
            assert_eq!(refused, Err(CryptoError::KeyLength));
        }
    }

    #[test]
    fn text_of_another_length_is_refused() {
        for text in ["", "45", "4543", "45438", "45438A0", "45438A00000000", "45438G", " 45438A"] {
            assert_eq!(CheckValue::parse(text), Err(CheckValueError), "{text}");
        }
        assert_eq!(CheckValue::parse("45438a0102").unwrap().to_string(), "45438A0102");
    }
}
