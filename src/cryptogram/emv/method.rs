//! From an issuer's key and a card's data to the cryptogram, and whether one is right.

use super::profile::{Covered, ELEMENTS};
use super::{Card, EmvError, IssuerMaster, Response, application_cryptogram, arpc1, arpc2};
use crate::secmem::{CIPHER_STACK, scrubbed};
use crate::types::UnpredictableNumber;
use crate::types::emv::{Arpc, Arqc, Atc, EmvData, Method, Session, Tag};

/// What a cryptogram covers.
#[derive(Debug, Clone, Copy)]
pub enum Input<'a> {
    /// By tags. A profile covers what it says; a scheme the ten elements of EMV Book 2,
    /// section 8.1.1, and then the issuer application data (9F10) if there is any.
    Tags {
        /// The elements.
        data: &'a EmvData,
        /// Card verification results, where they do not come out of 9F10.
        results: Option<&'a [u8]>,
        /// Counters, likewise.
        counters: Option<&'a [u8]>,
    },
    /// In order, for a [`Scheme`](super::Scheme) whose session's key is made of the counter.
    /// Where it is not, nobody could tell that the counter given is the one in the text.
    Ordered {
        /// The card's counter.
        atc: Atc,
        /// The unpredictable number, where the session's derivation needs it.
        unpredictable: Option<UnpredictableNumber>,
        /// All that is covered, the counter too, as the card does it.
        text: &'a [u8],
    },
}

impl Method {
    /// The cryptogram of a card's transaction: ARQC, TC or AAC.
    ///
    /// # Errors
    /// [`EmvError`] names what does not fit.
    pub fn arqc(self, issuer: IssuerMaster<'_>, card: Card<'_>, input: &Input<'_>) -> Result<Arqc, EmvError> {
        let scheme = self.scheme();
        let mut parts: [&[u8]; 12] = [&[]; 12];
        let (atc, unpredictable) = self.fill(&mut parts, input)?;
        scrubbed::<CIPHER_STACK, _>(|| {
            let key = scheme.icc.derive(issuer, card)?;
            let key = scheme.session.derive(key, atc, unpredictable)?;
            application_cryptogram(&key, scheme.mac, &parts)
        })
    }

    /// Whether a cryptogram is the transaction's. It is compared in constant time.
    ///
    /// # Errors
    /// As [`arqc`](Self::arqc).
    pub fn verify(
        self,
        issuer: IssuerMaster<'_>,
        card: Card<'_>,
        input: &Input<'_>,
        arqc: &Arqc,
    ) -> Result<bool, EmvError> {
        Ok(self.arqc(issuer, card, input)? == *arqc)
    }

    /// The issuer's answer to a cryptogram that was made with this counter and
    /// unpredictable number.
    ///
    /// # Errors
    /// [`EmvError::Response`] if the profile answers by the other method, or as
    /// [`arqc`](Self::arqc).
    pub fn arpc(
        self,
        issuer: IssuerMaster<'_>,
        card: Card<'_>,
        (atc, unpredictable): (Atc, Option<UnpredictableNumber>),
        arqc: &Arqc,
        response: Response<'_>,
    ) -> Result<Arpc, EmvError> {
        let session = match self {
            Self::Profile(profile) => {
                if profile.answers_by_status() != matches!(response, Response::Status { .. }) {
                    return Err(EmvError::Response);
                }
                profile.answer_session()
            }
            Self::Scheme(scheme) => scheme.session,
        };
        scrubbed::<CIPHER_STACK, _>(|| {
            let key = self.scheme().icc.derive(issuer, card)?;
            let key = session.derive(key, atc, unpredictable)?;
            match response {
                Response::Code(code) => arpc1(&key, arqc, code),
                Response::Status { csu, proprietary } => arpc2(&key, arqc, csu, proprietary),
            }
        })
    }

    /// Puts what is covered into the parts.
    fn fill<'a>(
        self,
        parts: &mut [&'a [u8]; 12],
        input: &Input<'a>,
    ) -> Result<(Atc, Option<UnpredictableNumber>), EmvError> {
        match (self, *input) {
            (Self::Profile(profile), Input::Tags { data, results, counters }) => {
                let [elements @ .., results_part, counters_part] = parts;
                for (place, tag) in elements.iter_mut().zip(ELEMENTS) {
                    *place = data.get(tag).ok_or(EmvError::Missing(tag))?;
                }
                let Covered { results, counters } = profile.covered(data, results, counters)?;
                (*results_part, *counters_part) = (results, counters);
                let atc = data.atc().ok_or(EmvError::Missing(Tag::TransactionCounter))?;
                Ok((atc, data.unpredictable()))
            }
            (Self::Scheme(scheme), Input::Ordered { atc, unpredictable, text })
                // Else one cryptogram would be right under every counter.
                if scheme.session != Session::None =>
            {
                let [first, ..] = parts;
                *first = text;
                Ok((atc, unpredictable))
            }
            (Self::Scheme(_), Input::Tags { data, results: None, counters: None }) => {
                let [elements @ .., issuer, _] = parts;
                for (place, tag) in elements.iter_mut().zip(ELEMENTS) {
                    *place = data.get(tag).ok_or(EmvError::Missing(tag))?;
                }
                *issuer = data.get(Tag::IssuerApplicationData).unwrap_or_default();
                let atc = data.atc().ok_or(EmvError::Missing(Tag::TransactionCounter))?;
                Ok((atc, data.unpredictable()))
            }
            _ => Err(EmvError::Input),
        }
    }
}

#[cfg(test)]
mod tests;
