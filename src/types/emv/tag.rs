//! The data elements that cryptograms are made of.

use std::ops::RangeInclusive;

/// A data element of EMV Book 3, Annex A, by its tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tag {
    /// 9F02, amount authorised, 6 bytes.
    AmountAuthorised,
    /// 9F03, amount other, 6 bytes.
    AmountOther,
    /// 9F1A, terminal country code, 2 bytes.
    TerminalCountry,
    /// 95, terminal verification results, 5 bytes.
    VerificationResults,
    /// 5F2A, transaction currency code, 2 bytes.
    Currency,
    /// 9A, transaction date, 3 bytes.
    Date,
    /// 9C, transaction type, 1 byte.
    TransactionType,
    /// 9F37, unpredictable number, 4 bytes.
    UnpredictableNumber,
    /// 82, application interchange profile, 2 bytes.
    InterchangeProfile,
    /// 9F36, application transaction counter, 2 bytes.
    TransactionCounter,
    /// 9F10, issuer application data, 1 to 32 bytes.
    IssuerApplicationData,
    /// 9F26, application cryptogram, 8 bytes.
    Cryptogram,
    /// 9F27, cryptogram information data, 1 byte.
    CryptogramInformation,
    /// 5F34, PAN sequence number, 1 byte of two digits.
    PanSequence,
    /// 8A, authorisation response code, 2 bytes.
    ResponseCode,
}

impl Tag {
    /// Every element, in the order in which they are written.
    pub const ALL: [Self; 15] = [
        Self::AmountAuthorised,
        Self::AmountOther,
        Self::TerminalCountry,
        Self::VerificationResults,
        Self::Currency,
        Self::Date,
        Self::TransactionType,
        Self::UnpredictableNumber,
        Self::InterchangeProfile,
        Self::TransactionCounter,
        Self::IssuerApplicationData,
        Self::Cryptogram,
        Self::CryptogramInformation,
        Self::PanSequence,
        Self::ResponseCode,
    ];

    /// The tag as a number: its one or two bytes.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::AmountAuthorised => 0x9f02,
            Self::AmountOther => 0x9f03,
            Self::TerminalCountry => 0x9f1a,
            Self::VerificationResults => 0x95,
            Self::Currency => 0x5f2a,
            Self::Date => 0x9a,
            Self::TransactionType => 0x9c,
            Self::UnpredictableNumber => 0x9f37,
            Self::InterchangeProfile => 0x82,
            Self::TransactionCounter => 0x9f36,
            Self::IssuerApplicationData => 0x9f10,
            Self::Cryptogram => 0x9f26,
            Self::CryptogramInformation => 0x9f27,
            Self::PanSequence => 0x5f34,
            Self::ResponseCode => 0x8a,
        }
    }

    /// The element with this tag.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|tag| tag.number() == number)
    }

    /// How many bytes its value may have.
    #[must_use]
    pub const fn lengths(self) -> RangeInclusive<usize> {
        match self {
            Self::Cryptogram => 8..=8,
            Self::AmountAuthorised | Self::AmountOther => 6..=6,
            Self::VerificationResults => 5..=5,
            Self::UnpredictableNumber => 4..=4,
            Self::Date => 3..=3,
            Self::TerminalCountry
            | Self::Currency
            | Self::InterchangeProfile
            | Self::TransactionCounter
            | Self::ResponseCode => 2..=2,
            Self::TransactionType | Self::CryptogramInformation | Self::PanSequence => 1..=1,
            Self::IssuerApplicationData => 1..=32,
        }
    }
}
