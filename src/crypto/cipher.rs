//! What both block ciphers of the field offer: CBC and CMAC.
//!
//! A cipher is an expanded key. One that is gone in a moment stands on the stack:
//! make and use it inside [`scrubbed`](crate::secmem::scrubbed). One that stays is a
//! [`LoadedCipher`](super::LoadedCipher), in locked memory; to work with it leaves
//! parts of it on the stack, so that is done inside `scrubbed` too.

use cmac::block_api::CmacCipher;
use cmac::digest::array::Array;
use cmac::digest::common::InnerInit;
use cmac::{Cmac, Mac as _};

use super::CryptoError;

/// A block cipher with blocks of `N` bytes under one key.
pub trait BlockCipher<const N: usize> {
    /// Encrypts one block where it stands.
    fn encrypt(&self, block: &mut [u8; N]);

    /// Decrypts one block where it stands.
    fn decrypt(&self, block: &mut [u8; N]);

    /// CMAC (NIST SP 800-38B; ISO/IEC 9797-1:2011, MAC algorithm 5) of the parts, one
    /// after the other: a whole block, of which a truncated one is the beginning.
    fn cmac(&self, parts: &[&[u8]]) -> [u8; N];

    /// CBC (NIST SP 800-38A, section 6.2) without padding, where the text stands.
    ///
    /// # Errors
    /// [`CryptoError::PartialBlock`] unless the text is whole blocks; it is unchanged then.
    fn encrypt_cbc(&self, start: &[u8; N], text: &mut [u8]) -> Result<(), CryptoError> {
        let mut before = *start;
        for block in blocks(text)? {
            xor(block, &before);
            self.encrypt(block);
            before = *block;
        }
        Ok(())
    }

    /// The other way round.
    ///
    /// # Errors
    /// As [`encrypt_cbc`](Self::encrypt_cbc).
    fn decrypt_cbc(&self, start: &[u8; N], text: &mut [u8]) -> Result<(), CryptoError> {
        let mut before = *start;
        for block in blocks(text)? {
            let sealed = *block;
            self.decrypt(block);
            xor(block, &before);
            before = sealed;
        }
        Ok(())
    }
}

/// A text of whole blocks, cut into them.
fn blocks<const N: usize>(text: &mut [u8]) -> Result<&mut [[u8; N]], CryptoError> {
    match text.as_chunks_mut() {
        (blocks, []) => Ok(blocks),
        _ => Err(CryptoError::PartialBlock),
    }
}

pub(super) fn xor<const N: usize>(block: &mut [u8; N], other: &[u8; N]) {
    block.iter_mut().zip(other).for_each(|(byte, other)| *byte ^= other);
}

/// CMAC with a cipher that stays where it is: `C` is a reference to it.
pub(super) fn cmac_with<C: CmacCipher, const N: usize>(cipher: C, parts: &[&[u8]]) -> [u8; N]
where
    Array<u8, C::BlockSize>: Into<[u8; N]>,
{
    let mut mac = Cmac::inner_init(cipher);
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}
