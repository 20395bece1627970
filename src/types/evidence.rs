//! Consent and authentication evidence, without which no card is saved.

use thiserror::Error;

use super::{Network, Reference};

/// The cardholder's consent to storage. Made only from a `true`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent(());

/// What is missing or wrong in consent and evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EvidenceError {
    /// The cardholder did not consent.
    #[error("a card is saved only with the cardholder's consent")]
    ConsentMissing,
    /// No provider or no reference of an additional factor of authentication.
    #[error("a card is saved only with authentication evidence: provider and reference")]
    EvidenceMissing,
    /// The authentication reference number has more than 26 characters, none, or others than printable ASCII.
    #[error("an authentication reference number has 1 to 26 printable characters")]
    AuthReference,
    /// RuPay demands an authentication reference number.
    #[error("RuPay demands an authentication reference number")]
    AuthReferenceRequired,
}

impl Consent {
    /// Turns a caller's `true` into a consent.
    ///
    /// # Errors
    /// [`EvidenceError::ConsentMissing`] for `false`.
    pub fn given(consent: bool) -> Result<Self, EvidenceError> {
        if consent { Ok(Self(())) } else { Err(EvidenceError::ConsentMissing) }
    }
}

/// An authentication reference number: 1 to 26 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthReference(String);

impl AuthReference {
    /// Reads the text.
    ///
    /// # Errors
    /// [`EvidenceError::AuthReference`] if it is empty, longer than 26 or not printable ASCII.
    pub fn parse(text: &str) -> Result<Self, EvidenceError> {
        if (1..=26).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(EvidenceError::AuthReference)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Evidence that the cardholder was authenticated with an additional factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Who authenticated.
    pub provider: Reference,
    /// The provider's reference, for example a payment id.
    pub reference: Reference,
    /// The reference number given by the network; mandatory for RuPay.
    pub auth_reference: Option<AuthReference>,
}

impl Evidence {
    /// Checks what a card's network demands beyond provider and reference.
    ///
    /// # Errors
    /// [`EvidenceError::AuthReferenceRequired`] for RuPay without one.
    pub fn check_for(&self, network: Network) -> Result<(), EvidenceError> {
        if network == Network::Rupay && self.auth_reference.is_none() {
            return Err(EvidenceError::AuthReferenceRequired);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn consent_is_a_yes() {
        assert_eq!(Consent::given(false), Err(EvidenceError::ConsentMissing));
        assert!(Consent::given(true).is_ok());
    }

    #[test]
    fn auth_reference_ends_at_26() {
        assert!(AuthReference::parse(&"a".repeat(26)).is_ok());
        for text in ["", &"a".repeat(27), "a\n"] {
            assert_eq!(AuthReference::parse(text), Err(EvidenceError::AuthReference));
        }
    }

    #[test]
    fn rupay_demands_the_auth_reference() {
        let mut evidence = Evidence {
            provider: Reference::parse("razorpay").unwrap(),
            reference: Reference::parse("pay_1").unwrap(),
            auth_reference: None,
        };
        assert_eq!(evidence.check_for(Network::Visa), Ok(()));
        assert_eq!(evidence.check_for(Network::Rupay), Err(EvidenceError::AuthReferenceRequired));
        evidence.auth_reference = AuthReference::parse("100222").ok();
        assert_eq!(evidence.check_for(Network::Rupay), Ok(()));
    }
}
