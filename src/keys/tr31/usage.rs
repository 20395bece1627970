//! What a key is for, as a header says it.

use std::fmt;

use super::Tr31Error;

/// What a key is for: two characters (X9.143:2021, 6.3.1, table 2). Those that
/// the tables do not have, or keep for private use, are kept as they are.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyUsage([u8; 2]);

/// The tables.
const NAMES: [(&[u8; 2], &str); 43] = [
    (b"B0", "base derivation key (BDK)"),
    (b"B1", "initial DUKPT key"),
    (b"B2", "base key variant"),
    (b"B3", "key derivation key, not of X9.24"),
    (b"C0", "card verification"),
    (b"D0", "data encryption, symmetric"),
    (b"D1", "data encryption, asymmetric"),
    (b"D2", "data encryption of decimalization tables"),
    (b"D3", "data encryption of sensitive data"),
    (b"E0", "EMV issuer master key: application cryptograms"),
    (b"E1", "EMV issuer master key: secure messaging, confidentiality"),
    (b"E2", "EMV issuer master key: secure messaging, integrity"),
    (b"E3", "EMV issuer master key: data authentication code"),
    (b"E4", "EMV issuer master key: dynamic numbers"),
    (b"E5", "EMV issuer master key: card personalization"),
    (b"E6", "EMV issuer master key: other"),
    (b"E7", "EMV asymmetric key pair for PIN encryption"),
    (b"I0", "initialization vector"),
    (b"K0", "key encryption or wrapping"),
    (b"K1", "key block protection"),
    (b"K2", "TR-34 asymmetric key"),
    (b"K3", "asymmetric key for key agreement or wrapping"),
    (b"K4", "key block protection, ISO 20038"),
    (b"M0", "MAC, ISO 16609 algorithm 1"),
    (b"M1", "MAC, ISO 9797-1 algorithm 1"),
    (b"M2", "MAC, ISO 9797-1 algorithm 2"),
    (b"M3", "MAC, ISO 9797-1 algorithm 3"),
    (b"M4", "MAC, ISO 9797-1 algorithm 4"),
    (b"M5", "MAC, ISO 9797-1:1999 algorithm 5"),
    (b"M6", "MAC, ISO 9797-1:2011 algorithm 5 (CMAC)"),
    (b"M7", "HMAC"),
    (b"M8", "MAC, ISO 9797-1:2011 algorithm 6"),
    (b"P0", "PIN encryption"),
    (b"P1", "PIN generation"),
    (b"S0", "asymmetric key pair: signature"),
    (b"S1", "asymmetric key pair: CA"),
    (b"S2", "asymmetric key pair: not of X9.24"),
    (b"V0", "PIN verification, other"),
    (b"V1", "PIN verification, IBM 3624"),
    (b"V2", "PIN verification, Visa PVV"),
    (b"V3", "PIN verification, X9.132 algorithm 1"),
    (b"V4", "PIN verification, X9.132 algorithm 2"),
    (b"V5", "PIN verification, X9.132 algorithm 3"),
];

impl KeyUsage {
    /// EMV issuer master key for application cryptograms.
    pub const EMV_APPLICATION_CRYPTOGRAMS: Self = Self(*b"E0");
    /// Card verification key.
    pub const CARD_VERIFICATION: Self = Self(*b"C0");
    /// Key encryption or wrapping.
    pub const KEY_ENCRYPTION: Self = Self(*b"K0");
    /// Key block protection key.
    pub const KEY_BLOCK_PROTECTION: Self = Self(*b"K1");

    /// Takes two capitals or digits.
    ///
    /// # Errors
    /// [`Tr31Error::Character`].
    pub fn parse(text: [u8; 2]) -> Result<Self, Tr31Error> {
        let fits = text.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if fits { Ok(Self(text)) } else { Err(Tr31Error::Character) }
    }

    /// The two characters.
    #[must_use]
    pub const fn as_bytes(self) -> [u8; 2] {
        self.0
    }

    /// What it is, in words; none if no table has it.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES.iter().find(|(code, _)| **code == self.0).map(|(_, name)| *name)
    }
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.0.map(char::from);
        write!(f, "{first}{second}")
    }
}

impl fmt::Debug for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyUsage({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usage_says_what_it_is_if_a_table_has_it() {
        let name = |text: &[u8; 2]| KeyUsage::parse(*text).unwrap().name();
        for (code, told) in NAMES {
            assert_eq!(name(code), Some(told));
            assert_eq!(NAMES.iter().filter(|(other, _)| *other == code).count(), 1, "{told}");
        }
        assert_eq!(name(b"V2"), Some("PIN verification, Visa PVV"));
        assert_eq!(name(b"99"), None);
    }
}
