//! Unwrapping: the MAC first, then the key.

use zeroize::Zeroizing;

use super::{Block, BlockVersion, ClearKey, ProtectionKey, Tr31Error, binding};
use crate::secmem::{CIPHER_STACK, MAC_STACK, scrubbed};

impl Block<'_> {
    /// The key inside, if the MAC says that `protection` bound it to this very header.
    /// What the header allows is for the caller to judge.
    ///
    /// # Errors
    /// [`Tr31Error::ProtectionKey`] if the key is of another algorithm than the version;
    /// [`Tr31Error::NotAuthentic`]; [`Tr31Error::KeyLength`].
    pub fn unwrap(&self, protection: ProtectionKey<'_>) -> Result<ClearKey, Tr31Error> {
        let version = self.header.version;
        if protection.is_tdes() == (version == BlockVersion::D) {
            return Err(Tr31Error::ProtectionKey(version));
        }
        let mut text = Zeroizing::new(self.encrypted.clone());
        let authentic = scrubbed::<CIPHER_STACK, _>(|| match version {
            BlockVersion::A | BlockVersion::C => {
                binding::tdes(version, protection.bytes())?.open_variant(self.text, &mut text, &self.mac)
            }
            BlockVersion::B => {
                binding::tdes(version, protection.bytes())?.open_derived(self.text, &mut text, &self.mac)
            }
            BlockVersion::D => {
                binding::aes(version, protection.bytes())?.open_derived(self.text, &mut text, &self.mac)
            }
        })?;
        if authentic { scrubbed::<MAC_STACK, _>(|| key_of(text)) } else { Err(Tr31Error::NotAuthentic) }
    }
}

/// The key in a clear text: its length in bits 2, the key, random padding (TR 31-2018,
/// A.3, table 5).
fn key_of(mut text: Zeroizing<Vec<u8>>) -> Result<ClearKey, Tr31Error> {
    let bits = text.first_chunk().map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
    let length = bits / 8;
    if length == 0 || !bits.is_multiple_of(8) || text.len() < 2 + length {
        return Err(Tr31Error::KeyLength);
    }
    // What is left behind in the buffer is wiped with it.
    text.copy_within(2..2 + length, 0);
    text.truncate(length);
    Ok(ClearKey::new(text))
}
