//! The block of an imported key: the key wrapped, with its attributes as associated data.
//!
//! Layout: format 1 (2; native blocks have 1), id 16, purpose 1, algorithm 1, state 1, usage
//! 2, mode of use 1, exportability 1, key version number 2, check value 1 + 5, label 1 + 32,
//! optional blocks: count 1, length 2, text; nonce 12, ciphertext and tag 48. A check value
//! and a label have their length before and zeros behind; a key has zeros behind before it
//! is encrypted. All before the nonce is authenticated with it. The block of a destroyed key
//! has zeros from the nonce on.

use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::{ImportedInfo, ImportedKey, MAX_OPTIONAL, purpose_of};
use crate::crypto::{
    CryptoError, KeyAlgorithm, KeyPurpose, LoadedCipher, LoadedKey, NONCE_LEN, Random, Root, TAG_LEN,
};
use crate::keys::tr31::{Exportability, KeyUsage, KeyVersionNumber, ModeOfUse, OptionalBlocks};
use crate::keys::{CheckMethod, CheckValue, KeyError, KeyState, MAX_CHECK_VALUE};
use crate::secmem::{MAC_STACK, Region, Secret32, scrubbed};
use crate::types::KeyLabel;

const FORMAT: u8 = 2;
/// Bytes of the attributes before the text of optional blocks.
const FIXED: usize = 68;
const SEALED: usize = 32 + TAG_LEN;

/// An imported key wrapped by the root key: fit for storing, of no other use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedImport {
    info: ImportedInfo,
    nonce: [u8; NONCE_LEN],
    sealed: [u8; SEALED],
}

impl WrappedImport {
    /// Wraps a key under `root`, its attributes authenticated with it.
    pub(in crate::keys) fn wrap(
        root: &LoadedKey<Root>,
        random: &dyn Random,
        info: ImportedInfo,
        key: &[u8],
    ) -> Result<Self, KeyError> {
        if key.len() != info.algorithm.key_len() {
            return Err(CryptoError::KeyLength.into());
        }
        let mut text = Zeroizing::new(Vec::with_capacity(SEALED));
        text.extend_from_slice(key);
        text.resize(32, 0);
        let nonce = root.seal(random, &attributes(&info), &mut text)?;
        let sealed = text.as_slice().try_into().map_err(|_| KeyError::Length)?;
        Ok(Self { info, nonce, sealed })
    }

    /// Unwraps the key into locked memory.
    ///
    /// # Errors
    /// [`KeyError::NotAuthentic`] if `root` is another, or block or attributes were
    /// changed; [`KeyError::Unknown`] if the key is destroyed.
    pub(in crate::keys) fn unwrap(
        &self,
        root: &LoadedKey<Root>,
        region: &Region,
    ) -> Result<Opened, KeyError> {
        if !self.info.is_active() {
            return Err(KeyError::Unknown);
        }
        let mut sealed = Zeroizing::new(self.sealed);
        let opened = root.open(self.nonce, &attributes(&self.info), sealed.as_mut_slice());
        let opened = opened.map_err(|_| KeyError::NotAuthentic)?;
        let secret = scrubbed::<MAC_STACK, _>(|| {
            Secret32::fill_with(region, |slot| {
                slot.iter_mut().zip(opened.iter()).for_each(|(slot, byte)| *slot = *byte);
                Ok::<_, CryptoError>(())
            })
        })?;
        let opened = Opened { secret, length: self.info.algorithm.key_len() };
        let method = CheckMethod::of(self.info.algorithm);
        let check = CheckValue::of(self.info.algorithm, method, opened.expose())?;
        let same = bool::from(check.as_bytes().ct_eq(self.info.check.as_bytes()));
        if same { Ok(opened) } else { Err(KeyError::NotAuthentic) }
    }

    /// The key for use.
    pub(in crate::keys) fn load(
        &self,
        root: &LoadedKey<Root>,
        region: &Region,
    ) -> Result<ImportedKey, KeyError> {
        let opened = self.unwrap(root, region)?;
        let cipher = LoadedCipher::load(region, self.info.algorithm, opened.expose())?;
        Ok(ImportedKey { info: self.info.clone(), cipher })
    }

    /// The same key under another root key.
    pub(in crate::keys) fn anew(
        &self,
        region: &Region,
        random: &dyn Random,
        old: &LoadedKey<Root>,
        root: &LoadedKey<Root>,
    ) -> Result<Self, KeyError> {
        if !self.info.is_active() {
            return Ok(self.clone());
        }
        Self::wrap(root, random, self.info.clone(), self.unwrap(old, region)?.expose())
    }

    /// What may be shown.
    #[must_use]
    pub const fn info(&self) -> &ImportedInfo {
        &self.info
    }

    /// The block of a key that is gone.
    pub(in crate::keys) fn destroyed(&self) -> Self {
        let info = ImportedInfo { state: KeyState::Destroyed, ..self.info.clone() };
        Self { info, nonce: [0; NONCE_LEN], sealed: [0; SEALED] }
    }

    /// The bytes of the block.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [attributes(&self.info).as_slice(), &self.nonce, &self.sealed].concat()
    }

    /// Reads a block. Whether it is authentic shows only when it is unwrapped.
    ///
    /// # Errors
    /// [`KeyError::Length`] or [`KeyError::Field`].
    pub fn from_bytes(block: &[u8]) -> Result<Self, KeyError> {
        let (fixed, rest) = block.split_first_chunk::<FIXED>().ok_or(KeyError::Length)?;
        let (rest, sealed) = rest.split_last_chunk::<SEALED>().ok_or(KeyError::Length)?;
        let (optional, nonce) = rest.split_last_chunk::<NONCE_LEN>().ok_or(KeyError::Length)?;
        Ok(Self { info: read_attributes(fixed, optional)?, nonce: *nonce, sealed: *sealed })
    }
}

/// A key that was unwrapped, in locked memory.
pub(in crate::keys) struct Opened {
    secret: Secret32,
    length: usize,
}

impl Opened {
    /// The bytes of the key.
    pub fn expose(&self) -> &[u8] {
        self.secret.expose().get(..self.length).unwrap_or_default()
    }
}

/// The number of an algorithm in a block.
const fn number_of(algorithm: KeyAlgorithm) -> u8 {
    match algorithm {
        KeyAlgorithm::Tdes2 => 1,
        KeyAlgorithm::Tdes3 => 2,
        KeyAlgorithm::Aes128 => 3,
        KeyAlgorithm::Aes192 => 4,
        KeyAlgorithm::Aes256 => 5,
    }
}

fn attributes(info: &ImportedInfo) -> Vec<u8> {
    let optional = info.optional.to_bytes();
    let mut bytes = Vec::with_capacity(FIXED + optional.len());
    bytes.push(FORMAT);
    bytes.extend_from_slice(&info.id);
    let state = u8::from(!info.is_active()) * 2 + 1;
    bytes.extend_from_slice(&[info.purpose.number(), number_of(info.algorithm), state]);
    bytes.extend_from_slice(&info.usage.as_bytes());
    // Both are characters of ASCII.
    let letters = [info.mode.letter(), info.exportability.letter()];
    bytes.extend(letters.map(|letter| u8::try_from(letter).unwrap_or(0)));
    bytes.extend_from_slice(&info.key_version.as_bytes());
    put(&mut bytes, info.check.as_bytes(), MAX_CHECK_VALUE);
    put(&mut bytes, info.label.as_str().as_bytes(), KeyLabel::LONGEST);
    bytes.push(u8::try_from(info.optional.len()).unwrap_or(u8::MAX));
    bytes.extend_from_slice(&u16::try_from(optional.len()).unwrap_or(u16::MAX).to_be_bytes());
    bytes.extend_from_slice(&optional);
    bytes
}

/// A length, so many bytes, and zeros up to `room`.
fn put(bytes: &mut Vec<u8>, content: &[u8], room: usize) {
    bytes.push(u8::try_from(content.len()).unwrap_or(0));
    bytes.extend(content.iter().copied().chain(std::iter::repeat(0)).take(room));
}

/// The content of so many bytes, if zeros follow it.
fn taken(length: u8, room: &[u8]) -> Option<&[u8]> {
    let (content, zeros) = room.split_at_checked(length.into())?;
    zeros.iter().all(|byte| *byte == 0).then_some(content)
}

fn read_attributes(fixed: &[u8; FIXED], optional: &[u8]) -> Result<ImportedInfo, KeyError> {
    let [format, rest @ ..] = fixed;
    let (id, rest) = rest.split_first_chunk::<16>().ok_or(KeyError::Length)?;
    let (&[purpose, algorithm, state, u0, u1, mode, export, v0, v1, check_len], rest) =
        rest.split_first_chunk().ok_or(KeyError::Length)?;
    let (check, rest) = rest.split_first_chunk::<MAX_CHECK_VALUE>().ok_or(KeyError::Length)?;
    let (&[label_len], rest) = rest.split_first_chunk().ok_or(KeyError::Length)?;
    let (label, rest) = rest.split_first_chunk::<{ KeyLabel::LONGEST }>().ok_or(KeyError::Length)?;
    let &[count, l0, l1] = rest else { return Err(KeyError::Length) };
    if *format != FORMAT {
        return Err(KeyError::Field("format"));
    }
    let usage = KeyUsage::parse([u0, u1]).map_err(|_| KeyError::Field("usage"))?;
    let purpose = KeyPurpose::from_number(purpose).filter(|purpose| purpose_of(usage) == Some(*purpose));
    let algorithm = KeyAlgorithm::ALL.into_iter().find(|known| number_of(*known) == algorithm);
    let label = taken(label_len, label).and_then(|label| std::str::from_utf8(label).ok());
    let field = KeyError::Field;
    Ok(ImportedInfo {
        id: *id,
        label: label.and_then(|label| KeyLabel::parse(label).ok()).ok_or(field("label"))?,
        purpose: purpose.ok_or(field("purpose"))?,
        algorithm: algorithm.ok_or(field("algorithm"))?,
        state: match state {
            1 => KeyState::Active,
            3 => KeyState::Destroyed,
            _ => return Err(field("state")),
        },
        check: taken(check_len, check).and_then(CheckValue::from_bytes).ok_or(field("check value"))?,
        usage,
        mode: ModeOfUse::parse(mode).map_err(|_| field("mode of use"))?,
        key_version: KeyVersionNumber::parse([v0, v1]).map_err(|_| field("key version number"))?,
        exportability: Exportability::parse(export).map_err(|_| field("exportability"))?,
        optional: read_optional(count, u16::from_be_bytes([l0, l1]), optional)?,
    })
}

fn read_optional(count: u8, length: u16, text: &[u8]) -> Result<OptionalBlocks, KeyError> {
    if text.len() != usize::from(length) || text.len() > MAX_OPTIONAL {
        return Err(KeyError::Length);
    }
    match OptionalBlocks::read(count.into(), text) {
        // Padding is of the block that the key came in.
        Ok((blocks, [])) if blocks.get(*b"PB").is_none() => Ok(blocks),
        _ => Err(KeyError::Field("optional blocks")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::tr31::OptionalBlock;

    #[test]
    fn optional_blocks_have_a_longest_and_no_padding() {
        let read = |text: &[u8]| read_optional(1, u16::try_from(text.len()).unwrap(), text);
        // Ten characters stand before the content of a long one.
        let block = |length: usize| OptionalBlock::new(*b"10", &vec![b'x'; length - 10]).unwrap();
        let text = |length| block(length).as_bytes().to_vec();
        for length in [300, MAX_OPTIONAL - 1, MAX_OPTIONAL] {
            assert_eq!(read(&text(length)).map(|blocks| blocks.to_bytes()), Ok(text(length)));
        }
        assert_eq!(read(&text(MAX_OPTIONAL + 1)), Err(KeyError::Length));
        assert_eq!(read_optional(1, 7, &text(300)), Err(KeyError::Length));
        assert_eq!(read(b"PB08xxxx"), Err(KeyError::Field("optional blocks")));
        assert_eq!(read(b"1008xxxxy"), Err(KeyError::Field("optional blocks")));
        assert_eq!(read_optional(0, 0, b"").map(|blocks| blocks.to_bytes().len()), Ok(0));
    }
}
