//! Why an EMV cryptogram cannot be made.

use thiserror::Error;

use crate::crypto::CryptoError;
use crate::types::emv::Tag;

/// Why an EMV cryptogram cannot be made. No variant carries a key or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EmvError {
    /// The method is not for keys of this cipher.
    #[error("the method is not for keys of this cipher")]
    Algorithm,
    /// An element that the cryptogram covers is not there.
    #[error("tag {:X} is missing", .0.number())]
    Missing(Tag),
    /// The issuer application data (9F10) has not the profile's form, or names another
    /// cryptogram version.
    #[error("the issuer application data is not the profile's")]
    IssuerData,
    /// Card verification results or counters were given that the profile does not
    /// have, or of another length.
    #[error("the card verification results or counters are not the profile's")]
    Given,
    /// A profile wants data by tags; so does a scheme without a session's key, since the
    /// counter is in its data only.
    #[error("a profile, or a scheme without a session's key, wants data by tags")]
    Input,
    /// The session's derivation needs an unpredictable number.
    #[error("the unpredictable number is missing")]
    Unpredictable,
    /// The profile answers by the other method, or the proprietary data has more than
    /// 8 bytes.
    #[error("the profile has no such response")]
    Response,
    /// A primitive.
    #[error(transparent)]
    Crypto(#[from] CryptoError),
}
