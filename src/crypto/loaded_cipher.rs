//! Keys of block ciphers that stay: their schedules in locked memory.

use super::{Aes, CryptoError, Tdes};
use crate::secmem::{Placed, Region};

/// A block cipher and the length of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// Triple DES with two keys: 16 bytes.
    Tdes2,
    /// Triple DES with three keys: 24 bytes.
    Tdes3,
    /// AES with 16 bytes.
    Aes128,
    /// AES with 24 bytes.
    Aes192,
    /// AES with 32 bytes.
    Aes256,
}

/// A key of a block cipher, expanded in locked memory. It takes at most
/// [`LoadedCipher::MOST_SLOTS`] slots. Work with it inside
/// [`scrubbed`](crate::secmem::scrubbed).
#[derive(Debug)]
pub enum LoadedCipher {
    /// Triple DES.
    Tdes(Placed<Tdes>),
    /// AES.
    Aes(Placed<Aes>),
}

impl KeyAlgorithm {
    /// Every one of them.
    pub const ALL: [Self; 5] = [Self::Tdes2, Self::Tdes3, Self::Aes128, Self::Aes192, Self::Aes256];

    /// Bytes of a key.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::Tdes2 | Self::Aes128 => 16,
            Self::Tdes3 | Self::Aes192 => 24,
            Self::Aes256 => 32,
        }
    }

    /// The name shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tdes2 => "tdes-2",
            Self::Tdes3 => "tdes-3",
            Self::Aes128 => "aes-128",
            Self::Aes192 => "aes-192",
            Self::Aes256 => "aes-256",
        }
    }
}

impl LoadedCipher {
    /// The most slots that one takes.
    pub const MOST_SLOTS: usize = if Placed::<Aes>::SLOTS > Placed::<Tdes>::SLOTS {
        Placed::<Aes>::SLOTS
    } else {
        Placed::<Tdes>::SLOTS
    };

    /// Expands a key, whose bytes the caller wipes. What that leaves on the stack is
    /// wiped.
    ///
    /// # Errors
    /// [`CryptoError::KeyLength`] if the key is not as long as its algorithm's are, or
    /// [`CryptoError::Memory`].
    pub fn load(region: &Region, algorithm: KeyAlgorithm, key: &[u8]) -> Result<Self, CryptoError> {
        if key.len() != algorithm.key_len() {
            return Err(CryptoError::KeyLength);
        }
        match algorithm {
            KeyAlgorithm::Tdes2 | KeyAlgorithm::Tdes3 => {
                Placed::build(region, || Tdes::new(key)).map(Self::Tdes)
            }
            KeyAlgorithm::Aes128 | KeyAlgorithm::Aes192 | KeyAlgorithm::Aes256 => {
                Placed::build(region, || Aes::new(key)).map(Self::Aes)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::BlockCipher;

    #[test]
    fn a_loaded_key_computes_as_a_passing_one_and_leaves_nothing() {
        let region = Region::new(LoadedCipher::MOST_SLOTS).unwrap();
        for algorithm in KeyAlgorithm::ALL {
            let key: Vec<u8> = (1..).take(algorithm.key_len()).collect();
            let loaded = LoadedCipher::load(&region, algorithm, &key).unwrap();
            match &loaded {
                LoadedCipher::Tdes(tdes) => {
                    let passing = Tdes::new(&key).unwrap();
                    assert_eq!(tdes.get().cmac(&[b"text"]), passing.cmac(&[b"text"]));
                }
                LoadedCipher::Aes(aes) => {
                    let passing = Aes::new(&key).unwrap();
                    assert_eq!(aes.get().cmac(&[b"text"]), passing.cmac(&[b"text"]));
                }
            }
            drop(loaded);
            assert_eq!(region.free_slots(), region.slots());
        }
    }

    #[test]
    fn a_key_of_another_algorithm_is_refused() {
        let region = Region::new(LoadedCipher::MOST_SLOTS).unwrap();
        for algorithm in KeyAlgorithm::ALL {
            for length in (0..40).filter(|length| *length != algorithm.key_len()) {
                let refused = LoadedCipher::load(&region, algorithm, &vec![1; length]);
                assert_eq!(refused.unwrap_err(), CryptoError::KeyLength);
            }
        }
        assert_eq!(region.free_slots(), region.slots());
    }
}
