//! The root key from a passphrase: Argon2id (RFC 9106).

use argon2::{Algorithm, Argon2, Block, Params, Version};
use secrecy::{ExposeSecret, SecretSlice};
use zeroize::Zeroizing;

use super::{CryptoError, LoadedKey, Purpose, Root};
use crate::secmem::{Region, TURN_STACK, scrubbed};

/// What a guess of the passphrase costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassphraseCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl PassphraseCost {
    /// The second recommended option of RFC 9106, section 4: 64 MiB, 3 passes.
    pub const RECOMMENDED: Self = Self { memory_kib: 65_536, passes: 3, lanes: 4 };
    /// Most memory accepted from a stored file, so that a forged one cannot
    /// exhaust the host: 1 GiB.
    const MAX_MEMORY_KIB: u32 = 1 << 20;
    /// Most passes accepted.
    const MAX_PASSES: u32 = 64;
}

/// Derives the key-wrapping root key, in place in locked memory. The memory of
/// Argon2 is wiped.
///
/// # Errors
/// As [`key_from_passphrase`].
pub fn root_from_passphrase(
    region: &Region,
    passphrase: &SecretSlice<u8>,
    salt: &[u8; 16],
    cost: PassphraseCost,
) -> Result<LoadedKey<Root>, CryptoError> {
    key_from_passphrase(region, passphrase, salt, cost)
}

/// Derives a key, in place in locked memory. Its salt must be its own.
///
/// # Errors
/// [`CryptoError::PassphraseCost`] if the costs are out of range,
/// [`CryptoError::Memory`] if no slot is free.
pub fn key_from_passphrase<P: Purpose>(
    region: &Region,
    passphrase: &SecretSlice<u8>,
    salt: &[u8; 16],
    cost: PassphraseCost,
) -> Result<LoadedKey<P>, CryptoError> {
    if cost.memory_kib > PassphraseCost::MAX_MEMORY_KIB || cost.passes > PassphraseCost::MAX_PASSES {
        return Err(CryptoError::PassphraseCost);
    }
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32))
        .map_err(|_| CryptoError::PassphraseCost)?;
    let mut memory = Zeroizing::new(vec![Block::default(); params.block_count()]);
    let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    LoadedKey::build(region, |key| {
        let hashed = scrubbed::<TURN_STACK, _>(|| {
            let passphrase = passphrase.expose_secret();
            argon.hash_password_into_with_memory(passphrase, salt, key, memory.as_mut_slice()).is_ok()
        });
        if hashed { Ok(()) } else { Err(CryptoError::PassphraseCost) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: PassphraseCost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };

    #[test]
    fn depends_on_passphrase_and_salt() {
        let region = Region::new(8).unwrap();
        let root = |passphrase: &[u8], salt| {
            *root_from_passphrase(&region, &passphrase.to_vec().into(), &salt, CHEAP).unwrap().expose()
        };
        assert_eq!(root(b"a", [1; 16]), root(b"a", [1; 16]));
        assert_ne!(root(b"a", [1; 16]), root(b"b", [1; 16]));
        assert_ne!(root(b"a", [1; 16]), root(b"a", [2; 16]));
    }

    #[test]
    fn absurd_costs_are_refused() {
        let region = Region::new(1).unwrap();
        for cost in [
            PassphraseCost { memory_kib: u32::MAX, ..CHEAP },
            PassphraseCost { passes: 65, ..CHEAP },
            PassphraseCost { lanes: 0, ..CHEAP },
        ] {
            let result = root_from_passphrase(&region, &vec![1].into(), &[0; 16], cost);
            assert_eq!(result.unwrap_err(), CryptoError::PassphraseCost);
        }
    }
}
