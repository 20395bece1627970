//! Computes and checks what imported keys make, as [`Mint`] does for our own
//! cryptograms: from a request alone, outside the engine's lock.

use subtle::ConstantTimeEq;

use super::{CardId, Mint};
use crate::command::{
    Command, EmvAnswer, EmvArpc, EmvCard, EmvVerify, MakeCardValue, Refusal, VerifyCardValue,
};
use crate::crypto::{KeyPurpose, LoadedCipher};
use crate::cryptogram::card_value::card_value;
use crate::cryptogram::emv::{Card, EmvError, Input, IssuerMaster, Response};
use crate::keys::ImportedKey;
use crate::types::emv::{self, Arpc, Arqc, EmvData, Tag};
use crate::types::{Atc, CardValue, KeyLabel};

/// What a request about a card tells by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldProof {
    /// It cannot be decided.
    Refused(Refusal),
    /// An application cryptogram.
    Emv {
        /// Whose.
        id: CardId,
        /// Its counter.
        atc: Atc,
        /// Whether the cryptogram is right.
        is_authentic: bool,
        /// What to answer, if that was wanted and the cryptogram is right.
        arpc: Option<Arpc>,
    },
    /// An answer wanted to a cryptogram whose counter is consumed elsewhere.
    Answer {
        /// Whose.
        id: CardId,
        /// The answer, if the cryptogram is right.
        arpc: Option<Arpc>,
    },
    /// A card verification value.
    Value {
        /// Whose.
        id: CardId,
        /// Whether it is right.
        is_right: bool,
    },
}

impl Mint<'_> {
    /// Checks a card's cryptogram or value; none for any other command.
    #[must_use]
    pub fn prove_field(&self, command: &Command<'_>) -> Option<FieldProof> {
        let proof = match command {
            Command::EmvVerify(verify) => self.prove_emv(verify),
            Command::EmvArpc(asked) => self.prove_answer(asked),
            Command::VerifyCardValue(verify) => self.prove_value(verify),
            _ => return None,
        };
        Some(proof.unwrap_or_else(FieldProof::Refused))
    }

    /// What a card is known by: what its key is made of.
    pub(super) fn id_of(&self, card: &EmvCard) -> Result<CardId, Refusal> {
        let issuer = self.key(&card.key, KeyPurpose::EmvIssuerMaster)?.info().check;
        let key = self.keyring.fingerprint.active().1;
        let option = card.method.scheme().icc;
        Ok(option.with_data(holder(card), |data| CardId::of_cryptograms(key, issuer, data)))
    }

    /// The cryptogram of a card under a counter.
    pub(super) fn arqc(&self, card: &EmvCard, atc: Atc) -> Result<Arqc, Refusal> {
        let issuer = self.issuer(&card.key)?;
        let counter = u16::try_from(atc.get()).map_err(|_| Refusal::CounterExhausted)?;
        let mut data = card.data.clone();
        // What is there already would be covered twice, or not as its caller thinks.
        data.set(Tag::TransactionCounter, &counter.to_be_bytes()).map_err(|_| Refusal::EmvData)?;
        if card.text.is_some() {
            return Err(Refusal::EmvData);
        }
        card.method.arqc(issuer, holder(card), &tags(&data)).map_err(refusal)
    }

    /// The answer to a cryptogram, which must be known to be right: whoever may choose
    /// what is answered has the card's key encrypt what he likes.
    fn arpc(&self, card: &EmvCard, arqc: Arqc, answer: &EmvAnswer) -> Result<Arpc, Refusal> {
        let issuer = self.issuer(&card.key)?;
        let (atc, _) = counter_of(card)?;
        let response = match answer {
            EmvAnswer::Code(code) => Response::Code(*code),
            EmvAnswer::Status { csu, proprietary } => Response::Status { csu: *csu, proprietary },
        };
        let session = (atc, card.data.unpredictable());
        card.method.arpc(issuer, holder(card), session, &arqc, response).map_err(refusal)
    }

    /// The verification value of a card.
    pub(super) fn card_value(&self, asked: &MakeCardValue) -> Result<CardValue, Refusal> {
        let key = self.key(&asked.key, KeyPurpose::CardVerification)?;
        if key.info().may_generate() { self.value(key, asked) } else { Err(Refusal::KeyPurpose) }
    }

    fn prove_emv(&self, verify: &EmvVerify) -> Result<FieldProof, Refusal> {
        let card = &verify.card;
        let (_, atc) = counter_of(card)?;
        let is_authentic = self.is_authentic(card, verify.arqc)?;
        // Made in any case: as much work for a wrong cryptogram as for a right one.
        let arpc = verify.answer.as_ref().map(|answer| self.arpc(card, verify.arqc, answer)).transpose()?;
        let arpc = arpc.filter(|_| is_authentic);
        Ok(FieldProof::Emv { id: self.id_of(card)?, atc, is_authentic, arpc })
    }

    fn prove_answer(&self, asked: &EmvArpc) -> Result<FieldProof, Refusal> {
        let is_authentic = self.is_authentic(&asked.card, asked.arqc)?;
        // In any case, as above.
        let arpc = self.arpc(&asked.card, asked.arqc, &asked.answer)?;
        Ok(FieldProof::Answer { id: self.id_of(&asked.card)?, arpc: is_authentic.then_some(arpc) })
    }

    /// Whether a cryptogram is what the card makes of its data.
    fn is_authentic(&self, card: &EmvCard, arqc: Arqc) -> Result<bool, Refusal> {
        let issuer = self.issuer(&card.key)?;
        let (atc, _) = counter_of(card)?;
        let input = match &card.text {
            Some(text) => Input::Ordered { atc, unpredictable: card.data.unpredictable(), text },
            None => tags(&card.data),
        };
        card.method.verify(issuer, holder(card), &input, &arqc).map_err(refusal)
    }

    fn prove_value(&self, verify: &VerifyCardValue) -> Result<FieldProof, Refusal> {
        let key = self.key(&verify.of.key, KeyPurpose::CardVerification)?;
        if !key.info().may_verify() {
            return Err(Refusal::KeyPurpose);
        }
        let is_right = self.value(key, &verify.of)?.ct_eq(&verify.value).into();
        Ok(FieldProof::Value { id: self.value_id_of(&verify.of), is_right })
    }

    fn value_id_of(&self, of: &MakeCardValue) -> CardId {
        CardId::of_values(self.keyring.fingerprint.active().1, &of.pan)
    }

    fn value(&self, key: &ImportedKey, of: &MakeCardValue) -> Result<CardValue, Refusal> {
        let LoadedCipher::Tdes(tdes) = key.cipher() else { return Err(Refusal::KeyPurpose) };
        card_value(tdes.get(), &of.pan, of.expiry, of.order, of.kind).map_err(|_| Refusal::KeyPurpose)
    }

    fn issuer(&self, label: &KeyLabel) -> Result<IssuerMaster<'_>, Refusal> {
        self.key(label, KeyPurpose::EmvIssuerMaster).map(|key| key.cipher().into())
    }

    fn key(&self, label: &KeyLabel, purpose: KeyPurpose) -> Result<&ImportedKey, Refusal> {
        let key = self.keyring.imported(label.as_str()).ok_or(Refusal::UnknownKey)?;
        if key.info().purpose == purpose { Ok(key) } else { Err(Refusal::KeyPurpose) }
    }
}

const fn holder(card: &EmvCard) -> Card<'_> {
    Card { pan: &card.pan, psn: card.psn }
}

const fn tags(data: &EmvData) -> Input<'_> {
    Input::Tags { data, results: None, counters: None }
}

/// The counter in the data; a card's first is 1.
fn counter_of(card: &EmvCard) -> Result<(emv::Atc, Atc), Refusal> {
    let counter = card.data.atc().ok_or(Refusal::EmvData)?;
    Atc::new(counter.get().into()).map(|atc| (counter, atc)).ok_or(Refusal::EmvData)
}

const fn refusal(error: EmvError) -> Refusal {
    match error {
        EmvError::Algorithm | EmvError::Crypto(_) => Refusal::KeyPurpose,
        EmvError::Missing(_)
        | EmvError::IssuerData
        | EmvError::Given
        | EmvError::Input
        | EmvError::Unpredictable
        | EmvError::Response => Refusal::EmvData,
    }
}
