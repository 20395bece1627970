//! What a key is for, at run time and as types.

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
}

impl KeyPurpose {
    /// Every purpose, in the order of their numbers from 1.
    pub const ALL: [Self; 5] =
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
}

/// A purpose whose keys compute MACs.
pub trait MacPurpose: Purpose {}

/// A purpose whose keys seal and open.
pub trait AeadPurpose: Purpose {}

macro_rules! purposes {
    ($($kind:ident: $($(#[$doc:meta])* $name:ident = $text:literal),+;)+) => {
        $($(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub enum $name {}
            impl sealed::Sealed for $name {}
            impl Purpose for $name {
                const NAME: &'static str = $text;
            }
            impl $kind for $name {}
        )+)+
    };
}

purposes! {
    MacPurpose:
        /// Derives token keys.
        TokenDerivation = "token-derivation",
        /// Derives PARs.
        ParDerivation = "par",
        /// Derives fingerprints.
        FingerprintDerivation = "fingerprint",
        /// Chains the journal and digests requests.
        Audit = "audit";
    AeadPurpose:
        /// Wraps the keyring.
        Root = "root",
        /// Seals PANs at rest.
        PanSealing = "pan-sealing",
        /// Seals one backup.
        Backup = "backup";
}
