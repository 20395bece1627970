//! The keys that protect a block, made of the protection key, and what is done with
//! them.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::BlockVersion;
use crate::crypto::{AES_BLOCK, Aes, BlockCipher, CryptoError, TDES_BLOCK, Tdes};

/// What the encryption key is xored with in versions A and C (TR 31-2018, key variant
/// binding method).
const ENCRYPTION_VARIANT: u8 = 0x45;
/// The same for the MAC key.
const MAC_VARIANT: u8 = 0x4d;

/// Which of the two keys is derived (X9.143:2021, tables 24 and 25: key usage indicator).
#[derive(Clone, Copy)]
enum Use {
    Encryption,
    Mac,
}

/// The two keys of a block, expanded. On a stack that is wiped, and nowhere else.
pub(super) struct Bound<C> {
    encryption: C,
    mac: C,
}

impl<C> Bound<C> {
    /// Variants: each byte of the protection key xored (versions A and C).
    pub fn by_variants(
        key: &[u8],
        new: impl Fn(&[u8]) -> Result<C, CryptoError>,
    ) -> Result<Self, CryptoError> {
        let variant = |with: u8| {
            let mut bytes = Zeroizing::new([0; 32]);
            bytes.iter_mut().zip(key).for_each(|(slot, byte)| *slot = byte ^ with);
            new(bytes.get(..key.len()).unwrap_or_default())
        };
        Ok(Self { encryption: variant(ENCRYPTION_VARIANT)?, mac: variant(MAC_VARIANT)? })
    }

    /// Derivation by CMAC (versions B and D): blocks of `CMAC(key, counter 1 || use 2 ||
    /// 0 || algorithm 2 || bits of the key 2)` with a counter from 1, as many as make a
    /// key of the same length (X9.143:2021, sections 7.2.1.1 and 7.2.2.1, tables 24 and 25).
    pub fn by_derivation<const N: usize>(
        version: BlockVersion,
        key: &[u8],
        new: impl Fn(&[u8]) -> Result<C, CryptoError>,
    ) -> Result<Self, CryptoError>
    where
        C: BlockCipher<N>,
    {
        let cipher = new(key)?;
        let algorithm = match (version, key.len()) {
            (BlockVersion::D, 16) => 2,
            (BlockVersion::D, 24) => 3,
            (BlockVersion::D, _) => 4,
            (_, 16) => 0,
            (_, _) => 1,
        };
        let [b0, b1] = u16::try_from(key.len() * 8).unwrap_or(0).to_be_bytes();
        let derive = |wanted: Use| {
            let indicator = match wanted {
                Use::Encryption => 0,
                Use::Mac => 1,
            };
            let mut bytes = Zeroizing::new([0; 32]);
            for (counter, block) in (1u8..).zip(bytes.chunks_mut(N)) {
                let part = Zeroizing::new(cipher.cmac(&[&[counter, 0, indicator, 0, 0, algorithm, b0, b1]]));
                block.iter_mut().zip(part.iter()).for_each(|(slot, byte)| *slot = *byte);
            }
            new(bytes.get(..key.len()).unwrap_or_default())
        };
        Ok(Self { encryption: derive(Use::Encryption)?, mac: derive(Use::Mac)? })
    }
}

impl Bound<Tdes> {
    /// Checks a block of version A or C, and decrypts if it is authentic: CBC from the
    /// first 8 characters of the header; the MAC is the first half of the CBC-MAC
    /// (ISO/IEC 9797-1, algorithm 1) over header and ciphertext (TR 31-2018, key variant
    /// binding method).
    pub fn open_variant(&self, header: &[u8], text: &mut [u8], mac: &[u8]) -> Result<bool, CryptoError> {
        let mut covered = Zeroizing::new([header, text].concat());
        self.mac.encrypt_cbc(&[0; TDES_BLOCK], &mut covered)?;
        let last = covered.last_chunk::<TDES_BLOCK>().ok_or(CryptoError::PartialBlock)?;
        let [computed @ .., _, _, _, _] = last;
        if !bool::from(computed.as_slice().ct_eq(mac)) {
            return Ok(false);
        }
        let start = header.first_chunk().ok_or(CryptoError::PartialBlock)?;
        self.encryption.decrypt_cbc(start, text)?;
        Ok(true)
    }
}

impl<C> Bound<C> {
    /// Decrypts a block of version B or D, and tells whether it is authentic: CBC from
    /// the MAC, which is the CMAC over header and clear text (X9.143:2021, section 7, key
    /// derivation binding method). If it is not, the text must not be looked at.
    pub fn open_derived<const N: usize>(
        &self,
        header: &[u8],
        text: &mut [u8],
        mac: &[u8],
    ) -> Result<bool, CryptoError>
    where
        C: BlockCipher<N>,
    {
        let Ok(start) = mac.try_into() else { return Ok(false) };
        self.encryption.decrypt_cbc(start, text)?;
        let computed = self.mac.cmac(&[header, text]);
        Ok(computed.ct_eq(start).into())
    }

    /// Encrypts a block of version B or D where it stands, and gives its MAC.
    pub fn seal_derived<const N: usize>(&self, header: &[u8], text: &mut [u8]) -> Result<[u8; N], CryptoError>
    where
        C: BlockCipher<N>,
    {
        let mac = self.mac.cmac(&[header, text]);
        self.encryption.encrypt_cbc(&mac, text)?;
        Ok(mac)
    }
}

/// TDES keys of a block.
pub(super) fn tdes(version: BlockVersion, key: &[u8]) -> Result<Bound<Tdes>, CryptoError> {
    match version {
        BlockVersion::A | BlockVersion::C => Bound::by_variants(key, Tdes::new),
        BlockVersion::B | BlockVersion::D => Bound::by_derivation::<TDES_BLOCK>(version, key, Tdes::new),
    }
}

/// AES keys of a block.
pub(super) fn aes(version: BlockVersion, key: &[u8]) -> Result<Bound<Aes>, CryptoError> {
    Bound::by_derivation::<AES_BLOCK>(version, key, Aes::new)
}
