//! Wrapping, with padding that hides the key's length.

use data_encoding::HEXUPPER;
use zeroize::Zeroizing;

use super::{Algorithm, BlockVersion, Header, ProtectionKey, Tr31Error, binding};
use crate::crypto::{CryptoError, Random};
use crate::secmem::{CIPHER_STACK, MAC_STACK, scrubbed};

impl Header {
    /// Wraps a key under this header into a block of version B or D. Optional blocks are
    /// padded as the version demands. A key of TDES or AES is padded to the longest of its
    /// algorithm, so that the block does not tell its length.
    ///
    /// # Errors
    /// [`Tr31Error::ReadOnly`] for versions A and C; [`Tr31Error::ProtectionKey`] if the
    /// key is of another algorithm than the version; [`Tr31Error::KeyLength`];
    /// [`Tr31Error::TooLong`]; [`Tr31Error::Crypto`] if there is no randomness.
    pub fn wrap(
        &self,
        protection: ProtectionKey<'_>,
        random: &dyn Random,
        key: &[u8],
    ) -> Result<String, Tr31Error> {
        let mut clear = self.clear_text(random, key)?;
        self.seal(protection, &mut clear)
    }

    /// The block with this clear text, which is encrypted where it stands.
    pub(crate) fn seal(&self, protection: ProtectionKey<'_>, clear: &mut [u8]) -> Result<String, Tr31Error> {
        if !matches!(self.version, BlockVersion::B | BlockVersion::D) {
            return Err(Tr31Error::ReadOnly(self.version));
        }
        if protection.is_tdes() == (self.version == BlockVersion::D) {
            return Err(Tr31Error::ProtectionKey(self.version));
        }
        let header = self.to_text(2 * (clear.len() + self.version.mac_len()))?;
        let mac = scrubbed::<CIPHER_STACK, _>(|| {
            if protection.is_tdes() {
                let bound = binding::tdes(self.version, protection.bytes())?;
                bound.seal_derived(&header, clear).map(|mac| mac.to_vec())
            } else {
                let bound = binding::aes(self.version, protection.bytes())?;
                bound.seal_derived(&header, clear).map(|mac| mac.to_vec())
            }
        })?;
        let mut block = String::with_capacity(header.len() + 2 * (clear.len() + mac.len()));
        block.extend(header.iter().copied().map(char::from));
        HEXUPPER.encode_append(clear, &mut block);
        HEXUPPER.encode_append(&mac, &mut block);
        Ok(block)
    }

    /// Length in bits 2, key, random padding: whole blocks of the cipher.
    fn clear_text(&self, random: &dyn Random, key: &[u8]) -> Result<Zeroizing<Vec<u8>>, Tr31Error> {
        let bits = u16::try_from(key.len() * 8).map_err(|_| Tr31Error::KeyLength)?;
        let longest = match self.algorithm {
            Algorithm::Tdes | Algorithm::Des => 24,
            Algorithm::Aes => 32,
            _ => 0,
        };
        let length = (2 + key.len().max(longest)).next_multiple_of(self.version.cipher_block());
        if key.is_empty() {
            return Err(Tr31Error::KeyLength);
        }
        let mut clear = Zeroizing::new(vec![0; length]);
        random.fill(&mut clear).map_err(CryptoError::from)?;
        scrubbed::<MAC_STACK, _>(|| {
            let bytes = bits.to_be_bytes();
            clear.iter_mut().zip(bytes.iter().chain(key)).for_each(|(slot, byte)| *slot = *byte);
        });
        Ok(clear)
    }
}
