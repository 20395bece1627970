//! AES (FIPS 197) with keys of 128, 192 and 256 bits, as a block cipher.

use std::fmt;

use aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use aes::{Aes128, Aes192, Aes256};

use super::CryptoError;
use super::cipher::{BlockCipher, cmac_with};

/// Bytes of a block.
pub const AES_BLOCK: usize = 16;

/// AES under a key of 16, 24 or 32 bytes. Its schedule is wiped on drop; see
/// [`BlockCipher`] for where to have one.
pub struct Aes(Schedule);

enum Schedule {
    Aes128(Aes128),
    Aes192(Aes192),
    Aes256(Aes256),
}

impl Aes {
    /// Expands a key, whose bytes the caller wipes.
    ///
    /// # Errors
    /// [`CryptoError::KeyLength`] unless it has 16, 24 or 32 bytes.
    pub fn new(key: &[u8]) -> Result<Self, CryptoError> {
        let refused = |_| CryptoError::KeyLength;
        let schedule = match key.len() {
            16 => Schedule::Aes128(Aes128::new_from_slice(key).map_err(refused)?),
            24 => Schedule::Aes192(Aes192::new_from_slice(key).map_err(refused)?),
            _ => Schedule::Aes256(Aes256::new_from_slice(key).map_err(refused)?),
        };
        Ok(Self(schedule))
    }

    /// Bytes of its key: 16, 24 or 32.
    #[must_use]
    pub const fn key_len(&self) -> usize {
        match &self.0 {
            Schedule::Aes128(_) => 16,
            Schedule::Aes192(_) => 24,
            Schedule::Aes256(_) => 32,
        }
    }
}

impl BlockCipher<AES_BLOCK> for Aes {
    fn encrypt(&self, block: &mut [u8; AES_BLOCK]) {
        match &self.0 {
            Schedule::Aes128(cipher) => cipher.encrypt_block(block.into()),
            Schedule::Aes192(cipher) => cipher.encrypt_block(block.into()),
            Schedule::Aes256(cipher) => cipher.encrypt_block(block.into()),
        }
    }

    fn decrypt(&self, block: &mut [u8; AES_BLOCK]) {
        match &self.0 {
            Schedule::Aes128(cipher) => cipher.decrypt_block(block.into()),
            Schedule::Aes192(cipher) => cipher.decrypt_block(block.into()),
            Schedule::Aes256(cipher) => cipher.decrypt_block(block.into()),
        }
    }

    fn cmac(&self, parts: &[&[u8]]) -> [u8; AES_BLOCK] {
        match &self.0 {
            Schedule::Aes128(cipher) => cmac_with(cipher, parts),
            Schedule::Aes192(cipher) => cmac_with(cipher, parts),
            Schedule::Aes256(cipher) => cmac_with(cipher, parts),
        }
    }
}

impl fmt::Debug for Aes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aes(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    fn hex(text: &str) -> Vec<u8> {
        HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    /// FIPS 197, appendix C.
    #[test]
    fn as_published() {
        let key: Vec<u8> = (0..32).collect();
        for (length, sealed) in [
            (16, "69c4e0d86a7b0430d8cdb78070b4c55a"),
            (24, "dda97ca4864cdfe06eaf70a0ec0d7191"),
            (32, "8ea2b7ca516745bfeafc49904b496089"),
        ] {
            let cipher = Aes::new(&key[..length]).unwrap();
            let text: [u8; 16] = hex("00112233445566778899aabbccddeeff").try_into().unwrap();
            let mut block = text;
            cipher.encrypt(&mut block);
            assert_eq!((block.to_vec(), cipher.key_len()), (hex(sealed), length));
            cipher.decrypt(&mut block);
            assert_eq!(block, text);
        }
    }

    /// NIST SP 800-38B, appendix D.
    #[test]
    fn cmac_as_published() {
        let text = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411");
        for (key, empty, forty) in [
            (
                "2b7e151628aed2a6abf7158809cf4f3c",
                "bb1d6929e95937287fa37d129b756746",
                "dfa66747de9ae63030ca32611497c827",
            ),
            (
                "8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b",
                "d17ddf46adaacde531cac483de7a9367",
                "8a1de5be2eb31aad089a82e6ee908b0e",
            ),
            (
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                "028962f61b7bf89efc6b551f4667d983",
                "aaf3d8f1de5640c232f5b169b9c911e6",
            ),
        ] {
            let cipher = Aes::new(&hex(key)).unwrap();
            assert_eq!(cipher.cmac(&[]).to_vec(), hex(empty));
            assert_eq!(cipher.cmac(&[&text[..17], &[], &text[17..]]).to_vec(), hex(forty));
        }
    }

    /// NIST SP 800-38A, appendix F.2.1: the first two blocks.
    #[test]
    fn cbc_as_published() {
        let cipher = Aes::new(&hex("2b7e151628aed2a6abf7158809cf4f3c")).unwrap();
        let start: [u8; 16] = std::array::from_fn(|index| u8::try_from(index).unwrap());
        let plain = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
        let mut text = plain.clone();
        cipher.encrypt_cbc(&start, &mut text).unwrap();
        assert_eq!(text, hex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"));
        cipher.decrypt_cbc(&start, &mut text).unwrap();
        assert_eq!(text, plain);
        assert_eq!(cipher.encrypt_cbc(&start, &mut text[1..]), Err(CryptoError::PartialBlock));
    }

    #[test]
    fn other_lengths_of_keys_are_refused() {
        for length in (0..40).filter(|length| ![16, 24, 32].contains(length)) {
            assert_eq!(Aes::new(&vec![1; length]).unwrap_err(), CryptoError::KeyLength, "{length}");
        }
    }
}
