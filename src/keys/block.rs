//! The key block: one wrapped key with its attributes as associated data.
//!
//! Layout (88 bytes): format 1, id 16, purpose 1, algorithm 1, version 1,
//! state 1, exportable 1, retired 3, key check value 3, nonce 12, ciphertext
//! and tag 48. Retired is when its retiring began, in slots of ten minutes since
//! 1970, zero while it is active. The 28 bytes before the nonce are authenticated with it. The
//! block of a destroyed key has zeros from the nonce on.

use std::fmt;

use super::KeyError;
use crate::crypto::{
    AeadPurpose, CryptoError, KeyPurpose, LoadedKey, NONCE_LEN, Purpose, Random, Root, TAG_LEN, TransientMac,
};
use crate::secmem::{MAC_STACK, Region, scrubbed};
use crate::types::{KeyVersion, UnixTime};
use zeroize::Zeroizing;

/// Bytes of a key block.
pub const BLOCK_LEN: usize = ATTRIBUTES + NONCE_LEN + SEALED;
const ATTRIBUTES: usize = 28;
const SEALED: usize = 32 + TAG_LEN;
const FORMAT: u8 = 1;
/// The one algorithm of native keys: 256 random bits, for HMAC-SHA-256 or
/// AES-256-GCM as the purpose says.
const ALGORITHM: u8 = 1;
/// Seconds of the slots that `retired` counts.
const SLOT_SECONDS: u64 = 600;

/// The bytes of a key block.
pub type KeyBlock = [u8; BLOCK_LEN];

/// A key check value, 3 bytes: the first of
/// `HMAC-SHA-256(key, "tallystick/v1/kcv")`. Tells keys apart, tells nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kcv([u8; 3]);

impl fmt::Display for Kcv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = self.0;
        write!(f, "{a:02x}{b:02x}{c:02x}")
    }
}

/// What a key may still do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// Makes and verifies.
    Active,
    /// Verifies and opens only.
    Retiring,
    /// Gone: nothing made with it verifies any more.
    Destroyed,
}

impl KeyState {
    const ALL: [Self; 3] = [Self::Active, Self::Retiring, Self::Destroyed];

    /// The name in status and output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Destroyed => "destroyed",
        }
    }

    const fn number(self) -> u8 {
        match self {
            Self::Active => 1,
            Self::Retiring => 2,
            Self::Destroyed => 3,
        }
    }
}

/// What may be shown of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyInfo {
    /// A random id.
    pub id: [u8; 16],
    /// What it is for.
    pub purpose: KeyPurpose,
    /// Its version, counted for each purpose from 1.
    pub version: KeyVersion,
    /// What it may still do.
    pub state: KeyState,
    /// Whether it may leave under a transport key.
    pub exportable: bool,
    /// Its check value.
    pub kcv: Kcv,
    /// When its retiring began, to ten minutes; none while it is active.
    pub retired: Option<UnixTime>,
}

impl KeyInfo {
    /// Whether the key still verifies and opens at `now`: it is active, or its
    /// retiring began no longer ago than `grace` seconds.
    #[must_use]
    pub fn is_within(&self, grace: u64, now: UnixTime) -> bool {
        match self.state {
            KeyState::Active => true,
            KeyState::Retiring => {
                now.seconds() < self.retired.map_or(0, UnixTime::seconds).saturating_add(grace)
            }
            KeyState::Destroyed => false,
        }
    }
}

/// A key wrapped by the root key: fit for storing, of no other use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    info: KeyInfo,
    nonce: [u8; NONCE_LEN],
    sealed: [u8; SEALED],
}

impl WrappedKey {
    /// Makes a new random key and wraps it.
    ///
    /// # Errors
    /// [`KeyError::Crypto`].
    pub(super) fn generate(
        root: &LoadedKey<Root>,
        region: &Region,
        random: &dyn Random,
        purpose: KeyPurpose,
        version: KeyVersion,
    ) -> Result<Self, KeyError> {
        // The purpose of the type does not matter here: the key is wrapped and dropped.
        let key = LoadedKey::<Root>::generate(region, random)?;
        let mut id = [0; 16];
        random.fill(&mut id).map_err(CryptoError::from)?;
        let info = KeyInfo {
            id,
            purpose,
            version,
            state: KeyState::Active,
            exportable: false,
            kcv: kcv(&key),
            retired: None,
        };
        Self::wrap(root, random, info, &key)
    }

    /// Wraps a key under `root`, its attributes authenticated with it.
    pub(super) fn wrap<P: Purpose>(
        root: &LoadedKey<Root>,
        random: &dyn Random,
        info: KeyInfo,
        key: &LoadedKey<P>,
    ) -> Result<Self, KeyError> {
        let mut text = Zeroizing::new(Vec::with_capacity(SEALED));
        text.extend_from_slice(key.expose());
        let nonce = root.seal(random, &attributes(&info), &mut text)?;
        let sealed = text.as_slice().try_into().map_err(|_| KeyError::Length)?;
        Ok(Self { info, nonce, sealed })
    }

    /// Unwraps the key into locked memory, as a key of purpose `P`.
    ///
    /// # Errors
    /// [`KeyError::NotAuthentic`] if `root` is another, or block or attributes
    /// were changed; [`KeyError::Unknown`] if the key is destroyed.
    pub(super) fn unwrap_as<P: Purpose>(
        &self,
        root: &LoadedKey<Root>,
        region: &Region,
    ) -> Result<LoadedKey<P>, KeyError> {
        if self.info.state == KeyState::Destroyed {
            return Err(KeyError::Unknown);
        }
        let mut sealed = Zeroizing::new(self.sealed);
        let opened = root.open(self.nonce, &attributes(&self.info), sealed.as_mut_slice());
        let opened = opened.map_err(|_| KeyError::NotAuthentic)?;
        let bytes: &[u8; 32] = (&*opened).try_into().map_err(|_| KeyError::Length)?;
        let key = LoadedKey::from_bytes(region, bytes)?;
        if kcv(&key) == self.info.kcv { Ok(key) } else { Err(KeyError::NotAuthentic) }
    }

    /// What may be shown.
    #[must_use]
    pub const fn info(&self) -> &KeyInfo {
        &self.info
    }

    /// The block of a key that is gone.
    pub(super) fn destroyed(&self) -> Self {
        let info = KeyInfo { state: KeyState::Destroyed, ..self.info };
        Self { info, nonce: [0; NONCE_LEN], sealed: [0; SEALED] }
    }

    /// The 88 bytes.
    #[must_use]
    pub fn to_block(&self) -> KeyBlock {
        let mut block = [0; BLOCK_LEN];
        let bytes = attributes(&self.info).into_iter().chain(self.nonce).chain(self.sealed);
        for (slot, byte) in block.iter_mut().zip(bytes) {
            *slot = byte;
        }
        block
    }

    /// Reads a block. Whether it is authentic shows only when it is unwrapped.
    ///
    /// # Errors
    /// [`KeyError::Length`] or [`KeyError::Field`].
    pub fn from_block(block: &[u8]) -> Result<Self, KeyError> {
        let (attributes, rest) = block.split_first_chunk::<ATTRIBUTES>().ok_or(KeyError::Length)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>().ok_or(KeyError::Length)?;
        let sealed = sealed.try_into().map_err(|_| KeyError::Length)?;
        Ok(Self { info: read_attributes(attributes)?, nonce: *nonce, sealed })
    }
}

/// The key check value of a key.
fn kcv<P: Purpose>(key: &LoadedKey<P>) -> Kcv {
    let value = || TransientMac::new(key.expose()).mac(&[b"tallystick/v1/kcv"]).truncated();
    Kcv(scrubbed::<MAC_STACK, _>(value))
}

fn attributes(info: &KeyInfo) -> [u8; ATTRIBUTES] {
    let mut bytes = [0; ATTRIBUTES];
    let fields = [FORMAT]
        .into_iter()
        .chain(info.id)
        .chain([info.purpose.number(), ALGORITHM, info.version.get(), info.state.number()])
        .chain([u8::from(info.exportable)])
        .chain(retired_slot(info.retired))
        .chain(info.kcv.0);
    for (slot, byte) in bytes.iter_mut().zip(fields) {
        *slot = byte;
    }
    bytes
}

fn read_attributes(bytes: &[u8; ATTRIBUTES]) -> Result<KeyInfo, KeyError> {
    let [format, rest @ ..] = bytes;
    let (id, rest) = rest.split_first_chunk::<16>().ok_or(KeyError::Length)?;
    let &[purpose, algorithm, version, state, exportable, r0, r1, r2, k0, k1, k2] = rest else {
        return Err(KeyError::Length);
    };
    if *format != FORMAT {
        return Err(KeyError::Field("format"));
    }
    if algorithm != ALGORITHM {
        return Err(KeyError::Field("algorithm"));
    }
    let retired = u64::from(u32::from_be_bytes([0, r0, r1, r2])) * SLOT_SECONDS;
    let state = KeyState::ALL.into_iter().find(|known| known.number() == state);
    Ok(KeyInfo {
        id: *id,
        purpose: native_purpose(purpose).ok_or(KeyError::Field("purpose"))?,
        version: KeyVersion::new(version).map_err(|_| KeyError::Field("version"))?,
        state: state.ok_or(KeyError::Field("state"))?,
        exportable: match exportable {
            0 => false,
            1 => true,
            _ => return Err(KeyError::Field("exportability")),
        },
        kcv: Kcv([k0, k1, k2]),
        retired: (retired > 0).then(|| UnixTime::from_seconds(retired)),
    })
}

/// Keys for other purposes are imported, and have blocks of their own.
fn native_purpose(number: u8) -> Option<KeyPurpose> {
    KeyPurpose::from_number(number).filter(|purpose| KeyPurpose::NATIVE.contains(purpose))
}

/// The beginning of the next slot: rounded up, so that a grace is never shorter than
/// it was meant to be.
pub(super) fn whole_slot(time: UnixTime) -> UnixTime {
    UnixTime::from_seconds(time.seconds().div_ceil(SLOT_SECONDS).saturating_mul(SLOT_SECONDS))
}

fn retired_slot(retired: Option<UnixTime>) -> [u8; 3] {
    let slot = retired.map_or(0, |time| time.seconds() / SLOT_SECONDS);
    // The slots of the 23rd century fit.
    let [_, slot @ ..] = u32::try_from(slot.min(0x00ff_ffff)).unwrap_or(0).to_be_bytes();
    slot
}

/// Seals empty text: a tag over `associated` alone.
pub(super) fn seal_over<P: AeadPurpose>(
    key: &LoadedKey<P>,
    random: &dyn Random,
    associated: &[u8],
) -> Result<[u8; NONCE_LEN + TAG_LEN], KeyError> {
    let mut tag = Vec::with_capacity(TAG_LEN);
    let nonce = key.seal(random, associated, &mut tag)?;
    let mut seal = [0; NONCE_LEN + TAG_LEN];
    for (slot, byte) in seal.iter_mut().zip(nonce.into_iter().chain(tag)) {
        *slot = byte;
    }
    Ok(seal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{SystemRandom, TokenDerivation};

    fn wrapped() -> (Region, LoadedKey<Root>, WrappedKey) {
        let region = Region::new(8).unwrap();
        let root = LoadedKey::generate(&region, &SystemRandom).unwrap();
        let purpose = KeyPurpose::TokenDerivation;
        let key = WrappedKey::generate(&root, &region, &SystemRandom, purpose, KeyVersion::FIRST);
        (region, root, key.unwrap())
    }

    #[test]
    fn comes_back_and_no_flipped_bit_does() {
        let (region, root, key) = wrapped();
        let block = key.to_block();
        assert_eq!(WrappedKey::from_block(&block).unwrap(), key);
        assert!(key.unwrap_as::<TokenDerivation>(&root, &region).is_ok());
        for bit in 0..BLOCK_LEN * 8 {
            let mut flipped = block;
            flipped[bit / 8] ^= 1 << (bit % 8);
            let opened = WrappedKey::from_block(&flipped)
                .and_then(|key| key.unwrap_as::<TokenDerivation>(&root, &region).map(|_| ()));
            assert!(opened.is_err(), "bit {bit}");
        }
    }

    #[test]
    fn every_other_length_is_refused() {
        let (_, _, key) = wrapped();
        let mut long = key.to_block().to_vec();
        long.push(0);
        assert_eq!(WrappedKey::from_block(&long), Err(KeyError::Length));
        for len in 0..BLOCK_LEN {
            assert_eq!(WrappedKey::from_block(&long[..len]), Err(KeyError::Length));
        }
    }

    #[test]
    fn another_root_opens_nothing() {
        let (region, _, key) = wrapped();
        let other = LoadedKey::generate(&region, &SystemRandom).unwrap();
        let opened = key.unwrap_as::<TokenDerivation>(&other, &region);
        assert_eq!(opened.map(|_| ()), Err(KeyError::NotAuthentic));
    }

    #[test]
    fn attributes_come_back_in_every_state() {
        let (_, _, key) = wrapped();
        let retired = whole_slot(UnixTime::from_seconds(1_800_000_001));
        assert_eq!(retired.seconds(), 1_800_000_600);
        for (state, name) in KeyState::ALL.into_iter().zip(["active", "retiring", "destroyed"]) {
            assert_eq!(state.name(), name);
            for (exportable, retired) in [(false, None), (true, Some(retired))] {
                let info = KeyInfo { state, exportable, retired, kcv: Kcv([1, 2, 0xab]), ..*key.info() };
                assert_eq!(read_attributes(&attributes(&info)), Ok(info));
                assert_eq!(info.kcv.to_string(), "0102ab");
            }
        }
        let refused = |at: usize, byte| {
            let mut bytes = attributes(key.info());
            bytes[at] = byte;
            read_attributes(&bytes).unwrap_err()
        };
        for (at, byte, field) in [
            (0, 2, "format"),
            (17, 99, "purpose"),
            (18, 9, "algorithm"),
            (19, 0, "version"),
            (20, 9, "state"),
            (21, 2, "exportability"),
        ] {
            assert_eq!(refused(at, byte), KeyError::Field(field));
        }
    }
}
