//! What may be shown of an imported key.

use super::rules::Rules;
use crate::crypto::{KeyAlgorithm, KeyPurpose};
use crate::keys::tr31::{Exportability, KeyUsage, KeyVersionNumber, ModeOfUse, OptionalBlocks};
use crate::keys::{CheckValue, KeyState};
use crate::types::KeyLabel;

/// What may be shown of an imported key, and what a block says when it is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedInfo {
    /// A random id.
    pub id: [u8; 16],
    /// What it is called.
    pub label: KeyLabel,
    /// What it is for.
    pub purpose: KeyPurpose,
    /// Its algorithm and length.
    pub algorithm: KeyAlgorithm,
    /// Active or destroyed.
    pub state: KeyState,
    /// Its check value: legacy for TDES, CMAC for AES.
    pub check: CheckValue,
    /// What it is for, as a key block says it.
    pub usage: KeyUsage,
    /// What may be done with it.
    pub mode: ModeOfUse,
    /// Its version number in key blocks.
    pub key_version: KeyVersionNumber,
    /// Whether it may leave.
    pub exportability: Exportability,
    /// The optional blocks that it came with, without padding.
    pub optional: OptionalBlocks,
}

impl ImportedInfo {
    /// Whether it is not destroyed.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.state == KeyState::Active
    }

    /// Whether a card verification key may make values.
    #[must_use]
    pub const fn may_generate(&self) -> bool {
        self.rules().may_generate()
    }

    /// Whether a card verification key may verify values.
    #[must_use]
    pub const fn may_verify(&self) -> bool {
        self.rules().may_verify()
    }

    pub(in crate::keys) const fn rules(&self) -> Rules {
        Rules { purpose: self.purpose, algorithm: self.algorithm, mode: self.mode }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::CheckMethod;

    #[test]
    fn what_it_may_is_what_its_mode_allows() {
        let (algorithm, method) = (KeyAlgorithm::Tdes2, CheckMethod::Legacy);
        for (mode, generates, verifies) in
            [(ModeOfUse::GenerateOnly, true, false), (ModeOfUse::VerifyOnly, false, true)]
        {
            let info = ImportedInfo {
                id: [1; 16],
                label: KeyLabel::parse("cvk").unwrap(),
                purpose: KeyPurpose::CardVerification,
                algorithm,
                state: KeyState::Active,
                check: CheckValue::of(algorithm, method, &[7; 16]).unwrap(),
                usage: KeyUsage::CARD_VERIFICATION,
                mode,
                key_version: KeyVersionNumber::parse(*b"00").unwrap(),
                exportability: Exportability::No,
                optional: OptionalBlocks::default(),
            };
            assert_eq!((info.may_generate(), info.may_verify()), (generates, verifies));
            assert!(info.is_active() && !ImportedInfo { state: KeyState::Destroyed, ..info }.is_active());
        }
    }
}
