//! Triple DES (NIST SP 800-67; ANSI X9.52), two and three keys, and the single DES
//! of which old MACs are made. Parity bits are ignored.

mod generic;

use std::fmt;

use des::Des;
use des::cipher::{Block, BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};

use super::CryptoError;
use super::cipher::{BlockCipher, cmac_with};

/// Bytes of a block.
pub const TDES_BLOCK: usize = 8;

/// Triple DES under a key of 16 bytes (keying option 2) or 24 (option 1): encrypt,
/// decrypt, encrypt. Its three schedules are wiped on drop; see
/// [`BlockCipher`] for where to have one.
pub struct Tdes {
    pair: DesPair,
    third: Option<Des>,
}

/// The two halves of a 16-byte key as keys of single DES, for MACs and card
/// verification values. Wiped on drop.
pub struct DesPair {
    left: Des,
    right: Des,
}

/// How a text is filled up to whole blocks (ISO/IEC 9797-1:2011, section 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Zeros, none if it is whole blocks already. No text at all is one block of zeros.
    Method1,
    /// One byte `80`, then as method 1.
    Method2,
}

impl Tdes {
    /// Expands a key, whose bytes the caller wipes.
    ///
    /// # Errors
    /// [`CryptoError::KeyLength`] unless it has 16 or 24 bytes.
    pub fn new(key: &[u8]) -> Result<Self, CryptoError> {
        let (pair, rest) = key.split_first_chunk::<16>().ok_or(CryptoError::KeyLength)?;
        let third = match rest {
            [] => None,
            _ => Some(Des::new_from_slice(rest).map_err(|_| CryptoError::KeyLength)?),
        };
        Ok(Self { pair: DesPair::new(pair), third })
    }

    /// The halves of a 16-byte key.
    ///
    /// # Errors
    /// [`CryptoError::KeyLength`] if it has 24 bytes.
    pub const fn pair(&self) -> Result<&DesPair, CryptoError> {
        if self.third.is_some() { Err(CryptoError::KeyLength) } else { Ok(&self.pair) }
    }

    fn last(&self) -> &Des {
        self.third.as_ref().unwrap_or(&self.pair.left)
    }
}

impl BlockCipher<TDES_BLOCK> for Tdes {
    fn encrypt(&self, block: &mut [u8; TDES_BLOCK]) {
        let block: &mut Block<Des> = block.into();
        self.pair.left.encrypt_block(block);
        self.pair.right.decrypt_block(block);
        self.last().encrypt_block(block);
    }

    fn decrypt(&self, block: &mut [u8; TDES_BLOCK]) {
        let block: &mut Block<Des> = block.into();
        self.last().decrypt_block(block);
        self.pair.right.encrypt_block(block);
        self.pair.left.decrypt_block(block);
    }

    fn cmac(&self, parts: &[&[u8]]) -> [u8; TDES_BLOCK] {
        cmac_with(self, parts)
    }
}

impl DesPair {
    /// Expands both halves, whose bytes the caller wipes.
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *key;
        Self {
            left: Des::new(&[a, b, c, d, e, f, g, h].into()),
            right: Des::new(&[i, j, k, l, m, n, o, p].into()),
        }
    }

    /// Encrypts one block with the left half alone: single DES.
    pub fn encrypt_left(&self, block: &mut [u8; TDES_BLOCK]) {
        self.left.encrypt_block(block.into());
    }

    /// Encrypts one block with the whole key: left, right backwards, left.
    pub fn encrypt(&self, block: &mut [u8; TDES_BLOCK]) {
        let block: &mut Block<Des> = block.into();
        self.left.encrypt_block(block);
        self.right.decrypt_block(block);
        self.left.encrypt_block(block);
    }

    /// The MAC of ISO/IEC 9797-1:2011, MAC algorithm 3 ("retail MAC", ANSI X9.19) over
    /// the parts, one after the other: CBC-MAC with the left half, whose last block is
    /// also decrypted with the right one and encrypted with the left. EMV Book 2,
    /// Annex A1.2.1.
    #[must_use]
    pub fn retail_mac(&self, parts: &[&[u8]], padding: Padding) -> [u8; TDES_BLOCK] {
        let mut mac = [0; TDES_BLOCK];
        let mut filled = 0;
        let marker: &[u8] = match padding {
            Padding::Method1 => &[],
            Padding::Method2 => &[0x80],
        };
        // Zeros of the padding need not be added: they change nothing.
        for byte in parts.iter().copied().chain([marker]).flatten() {
            if filled == TDES_BLOCK {
                self.encrypt_left(&mut mac);
                filled = 0;
            }
            mac.get_mut(filled).into_iter().for_each(|place| *place ^= byte);
            filled += 1;
        }
        self.encrypt(&mut mac);
        mac
    }
}

impl fmt::Debug for Tdes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tdes(redacted)")
    }
}

impl fmt::Debug for DesPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DesPair(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::HEXLOWER;

    fn hex(text: &str) -> Vec<u8> {
        HEXLOWER.decode(text.as_bytes()).unwrap()
    }

    /// NIST SP 800-67 revision 2, appendix B.1: its text under its three keys.
    #[test]
    fn as_published() {
        let key = hex("0123456789abcdef23456789abcdef01456789abcdef0123");
        let cipher = Tdes::new(&key).unwrap();
        let mut text = *b"The qufc";
        cipher.encrypt(&mut text);
        assert_eq!(text.to_vec(), hex("a826fd8ce53b855f"));
        cipher.decrypt(&mut text);
        assert_eq!(&text, b"The qufc");
    }

    /// NIST SP 800-38B, appendices D.4 and D.5 (as corrected in 2016): CMAC-TDES.
    #[test]
    fn cmac_as_published() {
        let three = Tdes::new(&hex("8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5")).unwrap();
        let text = hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
        assert_eq!(three.cmac(&[]).to_vec(), hex("b7a688e122ffaf95"));
        assert_eq!(three.cmac(&[&text[..8]]).to_vec(), hex("8e8f293136283797"));
        assert_eq!(three.cmac(&[&text[..5], &text[5..20]]).to_vec(), hex("743ddbe0ce2dc2ed"));
        assert_eq!(three.cmac(&[&text]).to_vec(), hex("33e6b1092400eae5"));
    }

    #[test]
    fn a_16_byte_key_is_a_24_byte_key_whose_third_part_is_the_first() {
        let short = hex("0123456789abcdeffedcba9876543210");
        let long = [&short[..], &short[..8]].concat();
        let (short, long) = (Tdes::new(&short).unwrap(), Tdes::new(&long).unwrap());
        let (mut a, mut b) = (*b"12345678", *b"12345678");
        short.encrypt(&mut a);
        long.encrypt(&mut b);
        // The value of `pyemv.tools.encrypt_tdes_ecb`.
        assert_eq!((a.to_vec(), a), (hex("41d2ffba3cdc15fe"), b));
        assert!(short.pair().is_ok());
        assert_eq!(long.pair().unwrap_err(), CryptoError::KeyLength);
    }

    #[test]
    fn other_lengths_of_keys_are_refused() {
        for length in (0..40).filter(|length| ![16, 24].contains(length)) {
            assert_eq!(Tdes::new(&vec![1; length]).unwrap_err(), CryptoError::KeyLength, "{length}");
        }
    }

    #[test]
    fn cbc_chains_and_wants_whole_blocks() {
        let cipher = Tdes::new(&hex("0123456789abcdeffedcba9876543210")).unwrap();
        let mut text = *b"twelve and eleven is 23.";
        cipher.encrypt_cbc(b"01234567", &mut text).unwrap();
        let mut first = *b"twelve a";
        first.iter_mut().zip(b"01234567").for_each(|(byte, other)| *byte ^= other);
        cipher.encrypt(&mut first);
        assert_eq!(text[..8], first);
        cipher.decrypt_cbc(b"01234567", &mut text).unwrap();
        assert_eq!(&text, b"twelve and eleven is 23.");
        assert_eq!(cipher.encrypt_cbc(&[0; 8], &mut text[1..]), Err(CryptoError::PartialBlock));
        assert_eq!(cipher.decrypt_cbc(&[0; 8], &mut text[1..]), Err(CryptoError::PartialBlock));
        assert_eq!(&text, b"twelve and eleven is 23.");
    }

    /// Computed with `pyemv.mac.mac_iso9797_3`.
    #[test]
    fn retail_macs_wherever_a_text_is_cut() {
        let pair = DesPair::new(&hex("0123456789abcdeffedcba9876543210").try_into().unwrap());
        let text: Vec<u8> = (0..24).collect();
        for (length, one, two) in RETAIL {
            for cut in 0..=length {
                let (a, b) = text[..length].split_at(cut);
                assert_eq!(pair.retail_mac(&[a, b], Padding::Method1).to_vec(), hex(one), "{length}");
                assert_eq!(pair.retail_mac(&[a, b], Padding::Method2).to_vec(), hex(two), "{length}");
            }
        }
    }

    const RETAIL: [(usize, &str, &str); 6] = [
        (0, "08d7b4fb629d0885", "f1fbcf2a56d19ba7"),
        (5, "e33456e91cf9ebf5", "534ae44ef1bc6a1e"),
        (8, "52c5c0705d9089e1", "9506a7627d1e3d46"),
        (15, "9d987feb8de16835", "edc12dac83b26f43"),
        (16, "43525ce6e442eb3b", "99f6cc9fb8367150"),
        (24, "5c5e53e0abd64d56", "75777dfc91fcc3d6"),
    ];
}
