//! Application cryptograms of cards: issue, verify and consume, answer.

use super::verify::{Missed, check_consumed};
use crate::command::{Command, EmvIssue, EmvIssued, EmvVerified, Refusal, Reply};
use crate::engine::cards::NoCounter;
use crate::engine::{CardId, Context, Engine, FieldProof, Mint, Proof, Unsealed};
use crate::types::emv::Arpc;

impl Engine<Unsealed> {
    /// Decides a verification of a card's cryptogram or value, or an answer to one.
    pub(super) fn of_field(
        &mut self,
        context: Context<'_>,
        command: &Command<'_>,
        proof: Option<Proof>,
    ) -> Result<Reply, Refusal> {
        let proof = match proof {
            Some(Proof::Field(proof)) => proof,
            _ => Mint::new(&self.state.keyring).prove_field(command).ok_or(Refusal::Stopped)?,
        };
        let (id, decided) = match proof {
            // A matter of configuration and form: no secret, and told to everybody.
            FieldProof::Refused(refusal) => return Err(refusal),
            FieldProof::Emv { id, is_authentic, atc, arpc } => {
                (id, self.emv_verify(context, id, is_authentic, EmvVerified { atc, arpc }))
            }
            FieldProof::Answer { id, arpc } => (id, self.emv_arpc(context, id, arpc)),
            FieldProof::Value { id, is_right } => (id, self.verify_card_value(context, id, is_right)),
        };
        decided.map_err(|why| self.disguise(context, Missed::Card(id), why))
    }

    /// Takes the card's next counter, and makes its cryptogram.
    pub(super) fn emv_issue(&mut self, asked: &EmvIssue) -> Result<Reply, Refusal> {
        let card = &asked.0;
        let id = Mint::new(&self.state.keyring).id_of(card)?;
        self.check_room(id)?;
        let state = &mut self.state;
        let atc = state.cards.next(id).map_err(|error| match error {
            NoCounter::Exhausted => Refusal::CounterExhausted,
            NoCounter::OfChip => Refusal::CounterOfChip,
        })?;
        // Before the counter is taken: what cannot be made takes none.
        let arqc = Mint::new(&state.keyring).arqc(card, atc)?;
        state.cards.issue(id).map_err(|_| Refusal::Stopped)?;
        let record = state.cards.record(id);
        state.open.note(record);
        Ok(Reply::EmvIssued(EmvIssued { atc, arqc }))
    }

    /// Consumes the counter of a cryptogram whose MAC is right, once.
    fn emv_verify(
        &mut self,
        context: Context<'_>,
        id: CardId,
        is_authentic: bool,
        verified: EmvVerified,
    ) -> Result<Reply, Refusal> {
        self.check_mac(context, id, is_authentic)?;
        self.check_room(id)?;
        let state = &mut self.state;
        check_consumed(state.cards.consume(id, verified.atc))?;
        let record = state.cards.record(id);
        state.open.note(record);
        Ok(Reply::EmvVerified(verified))
    }

    /// Whether the card is known, or another may be.
    fn check_room(&self, id: CardId) -> Result<(), Refusal> {
        let cards = &self.state.cards;
        if cards.has(id) || cards.len() < self.config.limits.cards { Ok(()) } else { Err(Refusal::CardLimit) }
    }

    /// Answers a right cryptogram, and consumes nothing.
    fn emv_arpc(&mut self, context: Context<'_>, id: CardId, arpc: Option<Arpc>) -> Result<Reply, Refusal> {
        self.check_mac(context, id, arpc.is_some())?;
        arpc.map(Reply::Arpc).ok_or(Refusal::BadMac)
    }

    /// Whether a card that is not locked has shown a right cryptogram; a wrong one is a
    /// miss, whatever it was shown for.
    fn check_mac(&mut self, context: Context<'_>, id: CardId, is_authentic: bool) -> Result<(), Refusal> {
        let state = &mut self.state;
        if state.card_lockouts.is_locked(id, context.now) {
            return Err(Refusal::CardLocked);
        }
        if !is_authentic {
            state.card_lockouts.miss(id, context.now).for_each(|record| state.open.note(record));
            return Err(Refusal::BadMac);
        }
        Ok(())
    }
}
