//! What opens a keyring, as its header says it: one provider, and no other way in.
//!
//! A header has 40 bytes: magic 8, format 1, provider 1, reserved 2, parameters
//! 28. They are, for a passphrase (1): Argon2id memory in KiB 4, passes 4, lanes
//! 4, salt 16. For custodians (2): shares needed 1, shares made 1, zeros 10, id of
//! the splitting 16, and behind the header a commitment of 32 for each share. For a
//! device (3): length 2, zeros 26, and behind the header so many bytes of the
//! wrapping key as the device wrapped it.

use super::{KeyError, Splitting};
use crate::crypto::PassphraseCost;

const MAGIC: &[u8; 8] = b"tallykey";
const FORMAT: u8 = 1;
const PASSPHRASE: u8 = 1;
const CUSTODIANS: u8 = 2;
const DEVICE: u8 = 3;
/// Most bytes of a wrapping key as a device wraps it.
pub const MAX_WRAPPED: usize = 2048;

/// What the wrapping key of a keyring comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provider {
    /// Argon2id of a passphrase.
    Passphrase {
        /// What a guess costs.
        cost: PassphraseCost,
        /// The salt.
        salt: [u8; 16],
    },
    /// Shares of custodians.
    Custodians(Splitting),
    /// A device that unwraps it, such as an HSM behind PKCS#11: the wrapping key as
    /// the device wrapped it, up to [`MAX_WRAPPED`] bytes.
    Device(Vec<u8>),
}

impl Provider {
    /// Its name in status and output.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Passphrase { .. } => "passphrase",
            Self::Custodians(_) => "custodians",
            Self::Device(_) => "device",
        }
    }

    /// The header and what stands behind it.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut parameters = [0; 28];
        let (number, behind) = match self {
            Self::Passphrase { cost, salt } => {
                let costs = [cost.memory_kib, cost.passes, cost.lanes].map(u32::to_be_bytes);
                let bytes = costs.iter().flatten().chain(salt);
                parameters.iter_mut().zip(bytes).for_each(|(slot, byte)| *slot = *byte);
                (PASSPHRASE, Vec::new())
            }
            Self::Custodians(splitting) => {
                let behind;
                (parameters, behind) = splitting.parts();
                (CUSTODIANS, behind)
            }
            Self::Device(wrapped) => {
                let length = u16::try_from(wrapped.len()).unwrap_or(u16::MAX).to_be_bytes();
                parameters.iter_mut().zip(length).for_each(|(slot, byte)| *slot = byte);
                (DEVICE, wrapped.clone())
            }
        };
        [MAGIC.as_slice(), &[FORMAT, number, 0, 0], &parameters, &behind].concat()
    }

    /// Reads it from the beginning of a keyring; gives the rest back.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, &[u8]), KeyError> {
        let rest = bytes.strip_prefix(MAGIC).ok_or(KeyError::NotAKeyring)?;
        let (&[format, provider, r0, r1], rest) = rest.split_first_chunk().ok_or(KeyError::Length)?;
        let (parameters, rest) = rest.split_first_chunk::<28>().ok_or(KeyError::Length)?;
        if format != FORMAT {
            return Err(KeyError::Version(format));
        }
        if [r0, r1] != [0; 2] {
            return Err(KeyError::Field("reserved bytes"));
        }
        match provider {
            PASSPHRASE => Ok((passphrase(parameters), rest)),
            CUSTODIANS => {
                let read = Splitting::read(parameters, rest).ok_or(KeyError::Field("number of shares"))?;
                Ok((Self::Custodians(read.0), read.1))
            }
            DEVICE => device(parameters, rest),
            _ => Err(KeyError::Field("unseal provider")),
        }
    }
}

fn passphrase(parameters: &[u8; 28]) -> Provider {
    let [a, b, c, d, e, f, g, h, i, j, k, l, salt @ ..] = *parameters;
    let cost = PassphraseCost {
        memory_kib: u32::from_be_bytes([a, b, c, d]),
        passes: u32::from_be_bytes([e, f, g, h]),
        lanes: u32::from_be_bytes([i, j, k, l]),
    };
    Provider::Passphrase { cost, salt }
}

fn device<'b>(parameters: &[u8; 28], rest: &'b [u8]) -> Result<(Provider, &'b [u8]), KeyError> {
    let [a, b, zeros @ ..] = *parameters;
    let length = usize::from(u16::from_be_bytes([a, b]));
    if zeros != [0; 26] || length > MAX_WRAPPED {
        return Err(KeyError::Field("device"));
    }
    let (wrapped, rest) = rest.split_at_checked(length).ok_or(KeyError::Length)?;
    Ok((Provider::Device(wrapped.to_vec()), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_device_wrapped_has_a_longest() {
        for length in [0, 1, MAX_WRAPPED] {
            let bytes = [Provider::Device(vec![7; length]).to_bytes(), vec![9]].concat();
            assert_eq!(Provider::read(&bytes), Ok((Provider::Device(vec![7; length]), &[9][..])));
            assert_eq!(Provider::read(&bytes[..39 + length]), Err(KeyError::Length));
        }
        let longer = Provider::Device(vec![7; MAX_WRAPPED + 1]).to_bytes();
        assert_eq!(Provider::read(&longer), Err(KeyError::Field("device")));
    }
}
