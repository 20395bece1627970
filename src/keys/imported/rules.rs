//! What a usage is for, and what goes with it.

use subtle::{Choice, ConstantTimeEq};

use super::ImportError;
use crate::crypto::{KeyAlgorithm, KeyPurpose};
use crate::keys::tr31::{Algorithm, Exportability, KeyUsage, ModeOfUse};
use crate::secmem::{MAC_STACK, scrubbed};

/// The attributes that rules are about.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// What the key is for here.
    pub purpose: KeyPurpose,
    /// Its algorithm and length.
    pub algorithm: KeyAlgorithm,
    /// What may be done with it.
    pub mode: ModeOfUse,
}

/// The purpose of a usage, if it is one of ours.
pub fn purpose_of(usage: KeyUsage) -> Option<KeyPurpose> {
    match usage {
        KeyUsage::EMV_APPLICATION_CRYPTOGRAMS => Some(KeyPurpose::EmvIssuerMaster),
        KeyUsage::CARD_VERIFICATION => Some(KeyPurpose::CardVerification),
        KeyUsage::KEY_ENCRYPTION | KeyUsage::KEY_BLOCK_PROTECTION => Some(KeyPurpose::KeyTransport),
        _ => None,
    }
}

/// The algorithm that a header's says for a key of so many bytes.
pub const fn key_algorithm(algorithm: Algorithm, length: usize) -> Option<KeyAlgorithm> {
    match (algorithm, length) {
        (Algorithm::Tdes, 16) => Some(KeyAlgorithm::Tdes2),
        (Algorithm::Tdes, 24) => Some(KeyAlgorithm::Tdes3),
        (Algorithm::Aes, 16) => Some(KeyAlgorithm::Aes128),
        (Algorithm::Aes, 24) => Some(KeyAlgorithm::Aes192),
        (Algorithm::Aes, 32) => Some(KeyAlgorithm::Aes256),
        _ => None,
    }
}

impl Rules {
    /// Whether algorithm and mode of use go with the purpose. EMV master keys have 16
    /// bytes of TDES or any AES (EMV Book 2, Annex A1.4), card verification keys 16 bytes
    /// of TDES. Modes are those of X9.143:2021, 6.3.1, table 2.
    pub fn check(self) -> Result<(), ImportError> {
        let tdes2 = matches!(self.algorithm, KeyAlgorithm::Tdes2);
        let tdes3 = matches!(self.algorithm, KeyAlgorithm::Tdes3);
        let (algorithm, mode) = match self.purpose {
            KeyPurpose::EmvIssuerMaster => {
                (!tdes3, matches!(self.mode, ModeOfUse::Derive | ModeOfUse::NoRestriction))
            }
            KeyPurpose::CardVerification => (tdes2, self.may_generate() || self.may_verify()),
            KeyPurpose::KeyTransport => (true, self.may_wrap() || self.may_unwrap()),
            _ => (false, false),
        };
        match (algorithm, mode) {
            (false, _) => Err(ImportError::Algorithm(self.purpose)),
            (true, false) => Err(ImportError::Mode(self.mode)),
            (true, true) => Ok(()),
        }
    }

    /// Whether a card verification key may make values.
    pub const fn may_generate(self) -> bool {
        matches!(self.mode, ModeOfUse::GenerateVerify | ModeOfUse::GenerateOnly | ModeOfUse::NoRestriction)
    }

    /// Whether a card verification key may verify values.
    pub const fn may_verify(self) -> bool {
        matches!(self.mode, ModeOfUse::GenerateVerify | ModeOfUse::VerifyOnly | ModeOfUse::NoRestriction)
    }

    /// Whether the key may protect a block that is written.
    pub const fn may_wrap(self) -> bool {
        matches!(self.mode, ModeOfUse::EncryptDecrypt | ModeOfUse::EncryptOnly | ModeOfUse::NoRestriction)
    }

    /// Whether the key may open a block.
    pub const fn may_unwrap(self) -> bool {
        matches!(self.mode, ModeOfUse::EncryptDecrypt | ModeOfUse::DecryptOnly | ModeOfUse::NoRestriction)
    }
}

/// Whether a key of one algorithm may protect one of another: it is at least as strong
/// (effective strength by NIST SP 800-57 part 1, table 2).
pub const fn may_protect(protection: KeyAlgorithm, key: KeyAlgorithm) -> bool {
    strength(protection) >= strength(key)
}

const fn strength(algorithm: KeyAlgorithm) -> u16 {
    match algorithm {
        KeyAlgorithm::Tdes2 => 80,
        KeyAlgorithm::Tdes3 => 112,
        KeyAlgorithm::Aes128 => 128,
        KeyAlgorithm::Aes192 => 192,
        KeyAlgorithm::Aes256 => 256,
    }
}

/// Whether a key may be exported under a key of this usage.
pub fn check_export(exportability: Exportability, under: KeyUsage) -> Result<(), ImportError> {
    match exportability {
        Exportability::No => Err(ImportError::NotExportable),
        Exportability::Sensitive if under != KeyUsage::KEY_BLOCK_PROTECTION => Err(ImportError::NotTrusted),
        Exportability::Sensitive | Exportability::Trusted => Ok(()),
    }
}

/// Whether the key is zeros, or TDES that comes to single DES: its first two parts, or
/// its last two, are equal but for parity. Takes the same time for all keys.
pub fn is_weak(algorithm: KeyAlgorithm, key: &[u8]) -> bool {
    scrubbed::<MAC_STACK, _>(|| weak(algorithm, key).into())
}

fn weak(algorithm: KeyAlgorithm, key: &[u8]) -> Choice {
    let same = |a: &[u8; 8], b: &[u8; 8]| {
        a.iter().zip(b).fold(Choice::from(1), |same, (a, b)| same & (a & 0xfe).ct_eq(&(b & 0xfe)))
    };
    let zeros = key.iter().fold(Choice::from(1), |zeros, byte| zeros & (byte & 0xfe).ct_eq(&0));
    let (parts, _) = key.as_chunks::<8>();
    let single = match algorithm {
        KeyAlgorithm::Tdes2 | KeyAlgorithm::Tdes3 => {
            let pairs = parts.iter().zip(parts.iter().skip(1));
            pairs.fold(Choice::from(0), |any, (a, b)| any | same(a, b))
        }
        KeyAlgorithm::Aes128 | KeyAlgorithm::Aes192 | KeyAlgorithm::Aes256 => Choice::from(0),
    };
    zeros | single
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every algorithm and mode for every purpose: what is taken, and nothing else.
    #[test]
    fn what_goes_with_a_purpose() {
        let modes = || b"BCDEGNSTVXY".iter().map(|letter| ModeOfUse::parse(*letter).unwrap());
        for purpose in KeyPurpose::ALL {
            let (algorithms, letters): (&[KeyAlgorithm], &str) = match purpose {
                KeyPurpose::EmvIssuerMaster => (
                    &[KeyAlgorithm::Tdes2, KeyAlgorithm::Aes128, KeyAlgorithm::Aes192, KeyAlgorithm::Aes256],
                    "XN",
                ),
                KeyPurpose::CardVerification => (&[KeyAlgorithm::Tdes2], "CGVN"),
                KeyPurpose::KeyTransport => (&KeyAlgorithm::ALL, "BDEN"),
                _ => (&[], ""),
            };
            for (algorithm, mode) in
                KeyAlgorithm::ALL.into_iter().flat_map(|one| modes().map(move |mode| (one, mode)))
            {
                let told = Rules { purpose, algorithm, mode }.check();
                let expected = match (algorithms.contains(&algorithm), letters.contains(mode.letter())) {
                    (false, _) => Err(ImportError::Algorithm(purpose)),
                    (true, false) => Err(ImportError::Mode(mode)),
                    (true, true) => Ok(()),
                };
                assert_eq!(told, expected, "{purpose:?} {algorithm:?} {mode:?}");
            }
        }
    }

    #[test]
    fn what_may_be_done_in_a_mode() {
        for (letter, generates, verifies, wraps, unwraps) in [
            (b'B', false, false, true, true),
            (b'C', true, true, false, false),
            (b'D', false, false, false, true),
            (b'E', false, false, true, false),
            (b'G', true, false, false, false),
            (b'N', true, true, true, true),
            (b'V', false, true, false, false),
            (b'X', false, false, false, false),
        ] {
            let mode = ModeOfUse::parse(letter).unwrap();
            let (purpose, algorithm) = (KeyPurpose::CardVerification, KeyAlgorithm::Tdes2);
            let rules = Rules { purpose, algorithm, mode };
            let may = (rules.may_generate(), rules.may_verify(), rules.may_wrap(), rules.may_unwrap());
            assert_eq!(may, (generates, verifies, wraps, unwraps), "{mode:?}");
        }
    }

    #[test]
    fn an_algorithm_has_its_lengths() {
        let known =
            |algorithm| (0..=64).filter_map(move |length| Some((length, key_algorithm(algorithm, length)?)));
        let tdes = [(16, KeyAlgorithm::Tdes2), (24, KeyAlgorithm::Tdes3)];
        let aes = [(16, KeyAlgorithm::Aes128), (24, KeyAlgorithm::Aes192), (32, KeyAlgorithm::Aes256)];
        assert!(known(Algorithm::Tdes).eq(tdes) && known(Algorithm::Aes).eq(aes));
        assert_eq!(known(Algorithm::Hmac).count(), 0);
    }

    #[test]
    fn the_weaker_does_not_protect_the_stronger() {
        // In the order of their strength.
        for (one, weaker) in KeyAlgorithm::ALL.into_iter().enumerate() {
            for (other, stronger) in KeyAlgorithm::ALL.into_iter().enumerate() {
                assert_eq!(may_protect(weaker, stronger), one >= other, "{weaker:?} {stronger:?}");
            }
        }
    }

    #[test]
    fn what_may_leave_and_under_what() {
        let (trusted, plain) = (KeyUsage::KEY_BLOCK_PROTECTION, KeyUsage::KEY_ENCRYPTION);
        for (exportability, under, expected) in [
            (Exportability::No, trusted, Err(ImportError::NotExportable)),
            (Exportability::Sensitive, plain, Err(ImportError::NotTrusted)),
            (Exportability::Sensitive, trusted, Ok(())),
            (Exportability::Trusted, plain, Ok(())),
        ] {
            assert_eq!(check_export(exportability, under), expected);
        }
        assert_eq!(purpose_of(trusted), Some(KeyPurpose::KeyTransport));
        assert_eq!(purpose_of(plain), Some(KeyPurpose::KeyTransport));
    }

    #[test]
    fn weak_keys_are_known() {
        let of = |parts: &[[u8; 8]], algorithm| is_weak(algorithm, &parts.concat());
        let (a, b, c) = ([2; 8], [4; 8], [8; 8]);
        assert!(of(&[a, [3; 8]], KeyAlgorithm::Tdes2), "equal but for parity");
        assert!(of(&[a, a, b], KeyAlgorithm::Tdes3) && of(&[a, b, b], KeyAlgorithm::Tdes3));
        assert!(of(&[a, a, a], KeyAlgorithm::Tdes3), "both pairs are equal");
        assert!(of(&[[0; 8], [0; 8]], KeyAlgorithm::Tdes2), "zeros, and equal");
        assert!(of(&[[0; 8], [0; 8]], KeyAlgorithm::Aes128));
        assert!(!of(&[a, b], KeyAlgorithm::Tdes2) && !of(&[a, b, a], KeyAlgorithm::Tdes3));
        assert!(!of(&[a, b, c], KeyAlgorithm::Tdes3) && !of(&[a, a], KeyAlgorithm::Aes128));
    }
}
