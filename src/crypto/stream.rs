//! Chunks of a long text, each sealed by itself, that can be neither changed,
//! reordered, left out nor cut off: the STREAM construction (Hoang, Reyhanitabar,
//! Rogaway, Vizar, "Online Authenticated-Encryption and its Nonce-Reuse
//! Misuse-Resistance", 2015), over AES-256-GCM.
//!
//! The nonce of a chunk is its number (11 bytes, big-endian, from 0) and one byte that
//! is 1 for the last chunk. So a key must seal one text only.

use std::fmt;

use super::{AeadPurpose, CryptoError, LoadedKey, NONCE_LEN, Nonce};

/// Bytes of a chunk before it is sealed; the last may have fewer.
pub const CHUNK: usize = 65_536;

/// One way through the chunks of one text.
pub struct Stream<P: AeadPurpose> {
    key: LoadedKey<P>,
    associated: Vec<u8>,
    number: u64,
    is_over: bool,
}

impl<P: AeadPurpose> Stream<P> {
    /// Begins at the first chunk. `associated` is authenticated beside each.
    #[must_use]
    pub fn new(key: LoadedKey<P>, associated: &[u8]) -> Self {
        Self { key, associated: associated.to_owned(), number: 0, is_over: false }
    }

    /// Encrypts the next chunk where it stands and appends its tag.
    ///
    /// # Errors
    /// [`CryptoError::TooLong`] behind the last chunk, or if it is longer than
    /// [`CHUNK`].
    pub fn seal(&mut self, is_last: bool, text: &mut Vec<u8>) -> Result<(), CryptoError> {
        let nonce = self.next(is_last).filter(|_| text.len() <= CHUNK).ok_or(CryptoError::TooLong)?;
        self.key.seal_under(nonce, &self.associated, text)
    }

    /// Decrypts the next chunk where it stands and returns the text without its tag.
    ///
    /// # Errors
    /// [`CryptoError::NotAuthentic`] if it is not the chunk that was sealed at this
    /// place, the last as the last.
    pub fn open<'a>(&mut self, is_last: bool, sealed: &'a mut [u8]) -> Result<&'a mut [u8], CryptoError> {
        let nonce = self.next(is_last).ok_or(CryptoError::NotAuthentic)?;
        self.key.open(nonce, &self.associated, sealed)
    }

    fn next(&mut self, is_last: bool) -> Option<Nonce> {
        if std::mem::replace(&mut self.is_over, is_last) {
            self.is_over = true;
            return None;
        }
        let mut nonce = [0; NONCE_LEN];
        let (number, last) = (self.number.to_be_bytes(), [u8::from(is_last)]);
        nonce.iter_mut().skip(3).zip(number.into_iter().chain(last)).for_each(|(slot, byte)| *slot = byte);
        self.number = self.number.checked_add(1)?;
        Some(nonce)
    }
}

impl<P: AeadPurpose> fmt::Debug for Stream<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stream(chunk {}, redacted)", self.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Backup;
    use crate::secmem::Region;

    #[test]
    fn a_chunk_opens_at_its_own_place_only() {
        let region = Region::new(2).unwrap();
        let key = || LoadedKey::<Backup>::from_bytes(&region, &[7; 32]).unwrap();
        let mut sealer = Stream::new(key(), b"header");
        let chunks: Vec<Vec<u8>> = (0..4_u8)
            .map(|number| {
                let mut text = vec![number; 100];
                sealer.seal(number == 3, &mut text).unwrap();
                text
            })
            .collect();
        assert_eq!(sealer.seal(true, &mut vec![]), Err(CryptoError::TooLong), "the text is over");
        let open = |associated: &[u8], order: &[usize], last: usize| {
            let mut opener = Stream::new(key(), associated);
            order.iter().enumerate().all(|(place, chunk)| {
                opener
                    .open(place == last, &mut chunks[*chunk].clone())
                    .is_ok_and(|text| usize::from(text[0]) == *chunk)
            })
        };
        assert!(open(b"header", &[0, 1, 2, 3], 3));
        assert!(!open(b"other", &[0], 9));
        for (order, last) in [
            (&[0, 1, 2][..], 2),
            (&[0, 1, 2, 3], 9),
            (&[0, 2, 1, 3], 3),
            (&[1, 2, 3], 2),
            (&[0, 1, 3], 2),
            (&[0, 0], 9),
            (&[0, 1, 2, 3, 3], 4),
        ] {
            assert!(!open(b"header", order, last), "{order:?} {last}");
        }
    }
}
