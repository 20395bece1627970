//! What networks' cryptogram versions are made of, as far as it is published.

use super::EmvError;
use crate::types::emv::{EmvData, Profile, Session, Tag};

/// The most bytes of card verification results and of counters.
const MOST_COUNTERS: usize = 16;

/// What a profile covers of the issuer application data (9F10) or, where that is not at
/// hand, of what is given in its place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Covered<'a> {
    pub results: &'a [u8],
    pub counters: &'a [u8],
}

/// The ten elements that every profile covers first, in this order (EMV Book 2, 8.1.1).
pub(super) const ELEMENTS: [Tag; 10] = [
    Tag::AmountAuthorised,
    Tag::AmountOther,
    Tag::TerminalCountry,
    Tag::VerificationResults,
    Tag::Currency,
    Tag::Date,
    Tag::TransactionType,
    Tag::UnpredictableNumber,
    Tag::InterchangeProfile,
    Tag::TransactionCounter,
];

impl Profile {
    /// How the key of its answer is derived: Mastercard's 16 and 17 answer with the
    /// card's own key.
    pub(super) const fn answer_session(self) -> Session {
        match self {
            Self::MastercardCvn16 | Self::MastercardCvn17 => Session::None,
            _ => self.scheme().session,
        }
    }

    /// Whether it answers by method 2.
    pub(super) const fn answers_by_status(self) -> bool {
        matches!(self, Self::VisaCvn18 | Self::VisaCvn22)
    }

    /// What it covers beside [`ELEMENTS`].
    pub(super) fn covered<'a>(
        self,
        data: &'a EmvData,
        results: Option<&'a [u8]>,
        counters: Option<&'a [u8]>,
    ) -> Result<Covered<'a>, EmvError> {
        let has_counters = matches!(self, Self::MastercardCvn17 | Self::MastercardCvn21);
        let len = match self {
            Self::VisaCvn10 => 4,
            Self::VisaCvn18 | Self::VisaCvn22 => 0,
            _ => 6,
        };
        if results.is_none() && counters.is_none() {
            return self.of_issuer_data(data);
        }
        let (results, counters) = (results.unwrap_or_default(), counters.unwrap_or_default());
        let counted =
            if has_counters { matches!(counters.len(), 8 | MOST_COUNTERS) } else { counters.is_empty() };
        if len > 0 && results.len() == len && counted {
            Ok(Covered { results, counters })
        } else {
            Err(EmvError::Given)
        }
    }

    /// Visa's older format is a length of 6, a derivation key index, the version and 4
    /// bytes of results; later profiles cover all of the data, whatever it is.
    /// Mastercard's is the index, the version, 6 bytes of results, 2 of another number
    /// and 8 or 16 of counters, and perhaps 2 more.
    fn of_issuer_data(self, data: &EmvData) -> Result<Covered<'_>, EmvError> {
        let all = data.get(Tag::IssuerApplicationData);
        let all = all.ok_or(EmvError::Missing(Tag::IssuerApplicationData))?;
        let (results, counters) = match (self, all) {
            (Self::VisaCvn18 | Self::VisaCvn22, all) => (all, &[][..]),
            (Self::VisaCvn10, [6, _, cvn, rest @ ..]) if *cvn == self.cvn() => {
                (rest.get(..4).ok_or(EmvError::IssuerData)?, &[][..])
            }
            (Self::VisaCvn10, _) => return Err(EmvError::IssuerData),
            (_, [_, cvn, rest @ ..]) if *cvn == self.cvn() => {
                let (results, rest) = rest.split_at_checked(6).ok_or(EmvError::IssuerData)?;
                (results, self.counters(rest)?)
            }
            _ => return Err(EmvError::IssuerData),
        };
        Ok(Covered { results, counters })
    }

    /// The counters behind the results of Mastercard's data.
    fn counters(self, rest: &[u8]) -> Result<&[u8], EmvError> {
        if !matches!(self, Self::MastercardCvn17 | Self::MastercardCvn21) {
            return Ok(&[]);
        }
        let len = if rest.len() >= 2 + MOST_COUNTERS { MOST_COUNTERS } else { 8 };
        rest.get(2..2 + len).ok_or(EmvError::IssuerData)
    }
}
