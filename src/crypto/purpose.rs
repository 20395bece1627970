//! What a key is for, at run time and as types.

use super::MacState;
use crate::secmem::{Region, RegionError};

/// What a key is for, as stored beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyPurpose {
    /// Derives token keys.
    TokenDerivation,
    /// Derives PARs.
    Par,
    /// Derives fingerprints.
    Fingerprint,
    /// Seals PANs at rest.
    PanSealing,
    /// Chains the journal and digests requests.
    Audit,
    /// Derives the keys of EMV cards (imported).
    EmvIssuerMaster,
    /// Computes card verification values (imported).
    CardVerification,
    /// Protects key blocks on their way (imported).
    KeyTransport,
}

impl KeyPurpose {
    /// Every purpose, in the order of their numbers from 1.
    pub const ALL: [Self; 8] = [
        Self::TokenDerivation,
        Self::Par,
        Self::Fingerprint,
        Self::PanSealing,
        Self::Audit,
        Self::EmvIssuerMaster,
        Self::CardVerification,
        Self::KeyTransport,
    ];

    /// Those of which every keyring has a key, made by itself. Keys for the others are
    /// imported, if there are any.
    pub const NATIVE: [Self; 5] =
        [Self::TokenDerivation, Self::Par, Self::Fingerprint, Self::PanSealing, Self::Audit];

    /// The number stored.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::TokenDerivation => 1,
            Self::Par => 2,
            Self::Fingerprint => 3,
            Self::PanSealing => 4,
            Self::Audit => 5,
            Self::EmvIssuerMaster => 6,
            Self::CardVerification => 7,
            Self::KeyTransport => 8,
        }
    }

    /// The purpose with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.number() == number)
    }

    /// The name shown in status and output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TokenDerivation => "token-derivation",
            Self::Par => "par",
            Self::Fingerprint => "fingerprint",
            Self::PanSealing => "pan-sealing",
            Self::Audit => "audit",
            Self::EmvIssuerMaster => "emv-issuer-master",
            Self::CardVerification => "card-verification",
            Self::KeyTransport => "key-transport",
        }
    }
}

mod sealed {
    /// Closes the traits: no purpose is added from outside.
    pub trait Sealed {}
}

/// A purpose as a type.
pub trait Purpose: sealed::Sealed {
    /// The name in a redacted `Debug`.
    const NAME: &'static str;
    /// What is made of a key once, when it is loaded.
    type Schedule: Schedule;
}

/// What is made of a key once and then kept beside it, in locked memory.
pub trait Schedule: sealed::Sealed + Sized {
    /// Makes it of the key's 32 bytes.
    ///
    /// # Errors
    /// [`RegionError::Full`] if there are not enough free slots.
    fn of(region: &Region, key: &[u8; 32]) -> Result<Self, RegionError>;
}

/// A key that seals is expanded anew for each text, on a stack that is wiped:
/// texts are few, and an expanded key is eight times as long.
impl Schedule for () {
    fn of(_: &Region, _: &[u8; 32]) -> Result<Self, RegionError> {
        Ok(())
    }
}

impl Schedule for MacState {
    fn of(region: &Region, key: &[u8; 32]) -> Result<Self, RegionError> {
        Self::new(region, key)
    }
}

impl sealed::Sealed for () {}
impl sealed::Sealed for MacState {}

/// A purpose whose keys compute MACs.
pub trait MacPurpose: Purpose<Schedule = MacState> {}

/// A purpose whose keys seal and open.
pub trait AeadPurpose: Purpose {}

macro_rules! purposes {
    ($($kind:ident, $schedule:ty: $($(#[$doc:meta])* $name:ident = $text:literal),+;)+) => {
        $($(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub enum $name {}
            impl sealed::Sealed for $name {}
            impl Purpose for $name {
                const NAME: &'static str = $text;
                type Schedule = $schedule;
            }
            impl $kind for $name {}
        )+)+
    };
}

purposes! {
    MacPurpose, MacState:
        /// Derives token keys.
        TokenDerivation = "token-derivation",
        /// Derives PARs.
        ParDerivation = "par",
        /// Derives fingerprints.
        FingerprintDerivation = "fingerprint",
        /// Chains the journal and digests requests.
        Audit = "audit";
    AeadPurpose, ():
        /// Wraps the keyring.
        Root = "root",
        /// Seals PANs at rest.
        PanSealing = "pan-sealing",
        /// Seals one backup.
        Backup = "backup";
}
