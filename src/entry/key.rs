//! The key of a payment session: RSA-OAEP (RFC 8017, section 7.1) with SHA-256 for hash and
//! mask generation and an empty label.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};
use zeroize::Zeroizing;

use crate::command::{EnterCard, Refusal};
use crate::secmem::{Placed, RSA_STACK, Region, RegionError, scrubbed};

/// Room for a PKCS#8 key of 2,048 bits, which has at most 1,220 bytes.
const ROOM: usize = 1_246;

/// A private key at rest, in locked memory. It is loaded for one decryption and wiped:
/// the library cleanses whatever it frees.
#[derive(Debug)]
pub struct EntryKey(Placed<Der>);

/// `PrivateKeyInfo` in DER (RFC 5208, section 5), and its length.
struct Der {
    bytes: [u8; ROOM],
    len: u16,
}

impl EntryKey {
    /// The slots of locked memory that a key takes.
    pub const SLOTS: usize = Placed::<Der>::SLOTS;

    /// A fresh key of 2,048 bits and its public key, a `SubjectPublicKeyInfo` in DER. This
    /// takes a tenth of a second, say.
    ///
    /// # Errors
    /// [`Refusal::EntryLimit`] if the region has no room; [`Refusal::Stopped`] if the
    /// library makes none.
    pub fn generate(region: &Region) -> Result<(Self, Vec<u8>), Refusal> {
        scrubbed::<RSA_STACK, _>(|| {
            let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(|_| Refusal::Stopped)?;
            let public: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| Refusal::Stopped)?;
            let private: Pkcs8V1Der<'_> = key.as_der().map_err(|_| Refusal::Stopped)?;
            Ok((Self::of(region, private.as_ref())?, public.as_ref().to_vec()))
        })
    }

    /// The key of a `PrivateKeyInfo`.
    pub(super) fn of(region: &Region, der: &[u8]) -> Result<Self, Refusal> {
        let placed = Placed::build(region, || {
            let mut kept = Der { bytes: [0; ROOM], len: u16::try_from(der.len()).unwrap_or(u16::MAX) };
            kept.bytes.get_mut(..der.len()).ok_or(RegionError::Full)?.copy_from_slice(der);
            Ok::<_, RegionError>(kept)
        });
        placed.map(Self).map_err(|_| Refusal::EntryLimit)
    }

    /// What was encrypted under the public key. Whatever is wrong with it is one refusal.
    ///
    /// # Errors
    /// [`Refusal::EntryRefused`].
    pub(super) fn open(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refusal> {
        scrubbed::<RSA_STACK, _>(|| {
            let Der { bytes, len } = self.0.get();
            let der = bytes.get(..usize::from(*len)).ok_or(Refusal::EntryRefused)?;
            let key = PrivateDecryptingKey::from_pkcs8(der).map_err(|_| Refusal::EntryRefused)?;
            let key = OaepPrivateDecryptingKey::new(key).map_err(|_| Refusal::EntryRefused)?;
            // As large as it may be from the beginning: it does not grow and leaves no copy.
            let mut plain = Zeroizing::new(vec![0; EnterCard::CIPHERTEXT]);
            let opened = key.decrypt(&OAEP_SHA256_MGF1SHA256, ciphertext, &mut plain, None);
            let len = opened.map_err(|_| Refusal::EntryRefused)?.len();
            plain.truncate(len);
            Ok(plain)
        })
    }
}
