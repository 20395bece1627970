//! Cards of the field.

use tallystick::command::Refusal;

use super::decide::{Outcome, answered, refused};
use super::pay::{BAD_MACS, Lock, unspent};
use super::state::{Counted, Effect, Expected};
use super::{Asked, Model};
use crate::field::{Chip, value};
use crate::wish::CardNumber;

/// Wrong verification values that lock those of a card, for a day.
const WRONG_VALUES: Lock = Lock { misses: 5, seconds: 86_400 };
/// The last counter of 16 bits.
const LAST: u32 = 65_535;

impl Model {
    fn counted(&self, chip: Chip) -> Counted {
        self.decided.chips.get(&chip).cloned().unwrap_or_default()
    }

    pub(super) fn emv_issue(&self, chip: Chip) -> Outcome {
        let mut counted = self.counted(chip);
        if !counted.is_ours && !counted.consumed.is_empty() {
            return refused(Refusal::CounterOfChip);
        }
        if counted.issued == LAST {
            return refused(Refusal::CounterExhausted);
        }
        counted.is_ours = true;
        counted.issued += 1;
        let expected = Expected::EmvIssued { chip, atc: counted.issued };
        (Ok(expected), vec![Effect::Chip(chip, counted)])
    }

    pub(super) fn emv_verify(&self, asked: &Asked<'_>, chip: Chip, atc: u16, arqc: [u8; 8]) -> Outcome {
        let mut counted = match self.shown_by(asked, chip, atc, arqc) {
            Ok(counted) => counted,
            Err(refused) => return refused,
        };
        let atc = u32::from(atc);
        if counted.is_ours && atc > counted.issued {
            return refused(Refusal::NeverIssued);
        }
        let newest = counted.consumed.last().copied().unwrap_or(0);
        if let Err(refusal) = unspent(atc, newest, counted.consumed.contains(&atc)) {
            return refused(refusal);
        }
        counted.consumed.insert(atc);
        (Ok(Expected::EmvVerified(atc)), vec![Effect::Chip(chip, counted)])
    }

    pub(super) fn emv_arpc(&self, asked: &Asked<'_>, chip: Chip, atc: u16, arqc: [u8; 8]) -> Outcome {
        match self.shown_by(asked, chip, atc, arqc) {
            Ok(_) => answered(Expected::Arpc { chip, atc, arqc }),
            Err(refused) => refused,
        }
    }

    /// The card of a cryptogram that is right; another is a miss.
    fn shown_by(&self, asked: &Asked<'_>, chip: Chip, atc: u16, arqc: [u8; 8]) -> Result<Counted, Outcome> {
        let mut counted = self.counted(chip);
        if counted.bad_macs.lock(asked.now, BAD_MACS) {
            return Err(refused(Refusal::CardLocked));
        }
        if arqc != chip.arqc(atc) {
            counted.bad_macs = counted.bad_macs.one_more(asked.now, BAD_MACS);
            return Err((Err(Refusal::BadMac), vec![Effect::Chip(chip, counted)]));
        }
        Ok(counted)
    }

    pub(super) fn verify_value(&self, asked: &Asked<'_>, card: CardNumber, digits: [u8; 3]) -> Outcome {
        let wrong = self.decided.wrong_values.get(&card).copied().unwrap_or_default();
        if wrong.lock(asked.now, WRONG_VALUES) {
            return refused(Refusal::CardLocked);
        }
        if digits == value(card) {
            return answered(Expected::ValueVerified);
        }
        let wrong = wrong.one_more(asked.now, WRONG_VALUES);
        (Err(Refusal::CardValueMismatch), vec![Effect::WrongValues(card, wrong)])
    }
}
