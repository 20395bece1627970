//! AES-256-GCM (NIST SP 800-38D), by ring.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, UnboundKey};

use super::{AeadPurpose, CryptoError, LoadedKey, Random};
use crate::secmem::{CIPHER_STACK, scrubbed};

/// Bytes of a nonce.
pub const NONCE_LEN: usize = 12;
/// Bytes that sealing adds.
pub const TAG_LEN: usize = 16;

/// A nonce, drawn at random: at most 2^32 texts are sealed under one key.
pub type Nonce = [u8; NONCE_LEN];

impl<P: AeadPurpose> LoadedKey<P> {
    /// Encrypts `text` where it stands and appends the tag, under a fresh nonce
    /// and with `associated` authenticated beside it. `text` should have
    /// [`TAG_LEN`] bytes of room, or growing it leaves a copy behind.
    ///
    /// # Errors
    /// [`CryptoError::Random`], or [`CryptoError::TooLong`] beyond 2^36 bytes.
    pub fn seal(
        &self,
        random: &dyn Random,
        associated: &[u8],
        text: &mut Vec<u8>,
    ) -> Result<Nonce, CryptoError> {
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce)?;
        self.seal_under(nonce, associated, text)?;
        Ok(nonce)
    }

    /// As [`LoadedKey::seal`], under a nonce that this key has sealed nothing with.
    pub(super) fn seal_under(
        &self,
        nonce: Nonce,
        associated: &[u8],
        text: &mut Vec<u8>,
    ) -> Result<(), CryptoError> {
        let unique = ring::aead::Nonce::assume_unique_for_key(nonce);
        let sealed = scrubbed::<CIPHER_STACK, _>(|| {
            let cipher = self.cipher();
            cipher.is_some_and(|cipher| {
                cipher.seal_in_place_append_tag(unique, Aad::from(associated), text).is_ok()
            })
        });
        if sealed { Ok(()) } else { Err(CryptoError::TooLong) }
    }

    /// Decrypts `sealed` where it stands and returns the text without its tag.
    ///
    /// # Errors
    /// [`CryptoError::NotAuthentic`] if key, nonce, associated data or text are
    /// not those of the sealing; `sealed` holds nothing of use then.
    pub fn open<'a>(
        &self,
        nonce: Nonce,
        associated: &[u8],
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], CryptoError> {
        let nonce = ring::aead::Nonce::assume_unique_for_key(nonce);
        let length = scrubbed::<CIPHER_STACK, _>(|| {
            let opened = self.cipher()?.open_in_place(nonce, Aad::from(associated), sealed).ok()?;
            Some(opened.len())
        });
        length.and_then(|length| sealed.get_mut(..length)).ok_or(CryptoError::NotAuthentic)
    }

    /// The expanded key. It is in nobody's hands but its caller's stack.
    fn cipher(&self) -> Option<LessSafeKey> {
        // Only a key of another length than 32 bytes is refused, and ours has 32 by type.
        UnboundKey::new(&AES_256_GCM, self.expose()).ok().map(LessSafeKey::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{PanSealing, SystemRandom};
    use crate::secmem::Region;

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let region = Region::new(2).unwrap();
        let key = LoadedKey::<PanSealing>::generate(&region, &SystemRandom).unwrap();
        let mut sealed = b"4111111111111111".to_vec();
        let nonce = key.seal(&SystemRandom, b"slot 7", &mut sealed).unwrap();
        assert_eq!(sealed.len(), 16 + TAG_LEN);
        let open = |nonce, associated: &[u8], mut bytes: Vec<u8>, key: &LoadedKey<PanSealing>| {
            key.open(nonce, associated, &mut bytes).map(|text| text.to_vec())
        };
        assert_eq!(open(nonce, b"slot 7", sealed.clone(), &key).unwrap(), b"4111111111111111");
        assert_eq!(open(nonce, b"slot 8", sealed.clone(), &key), Err(CryptoError::NotAuthentic));
        let other = LoadedKey::<PanSealing>::generate(&region, &SystemRandom).unwrap();
        assert_eq!(open(nonce, b"slot 7", sealed.clone(), &other), Err(CryptoError::NotAuthentic));
        for index in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[index] ^= 1;
            assert_eq!(open(nonce, b"slot 7", flipped, &key), Err(CryptoError::NotAuthentic));
        }
        assert_eq!(open(nonce, b"slot 7", Vec::new(), &key), Err(CryptoError::NotAuthentic));
    }
}
