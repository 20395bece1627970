//! Application cryptograms of cards: issue, verify and consume, answer.

use crate::command::{Command, EmvArpc, EmvIssue, EmvIssued, EmvVerified, Refusal, Reply};
use crate::engine::cards::NoCounter;
use crate::engine::{Context, Engine, FieldProof, Mint, Proof, Unsealed};
use crate::types::Consumption;

impl Engine<Unsealed> {
    /// Decides a verification of a card's cryptogram or value.
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
        let decided = match proof {
            // A matter of configuration and form: no secret, and told to everybody.
            FieldProof::Refused(refusal) => return Err(refusal),
            FieldProof::Emv { .. } => self.emv_verify(context, proof),
            FieldProof::Value { .. } => self.verify_card_value(context, proof),
        };
        decided.map_err(|why| self.disguise(context, command, why))
    }

    /// Takes the card's next counter, and makes its cryptogram.
    pub(super) fn emv_issue(&mut self, asked: &EmvIssue) -> Result<Reply, Refusal> {
        let card = &asked.0;
        let state = &mut self.state;
        let id = Mint::new(&state.keyring).id_of(card);
        if !state.cards.has(id) && state.cards.len() >= self.config.limits.cards {
            return Err(Refusal::CardLimit);
        }
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
    pub(super) fn emv_verify(&mut self, context: Context<'_>, proof: FieldProof) -> Result<Reply, Refusal> {
        let FieldProof::Emv { id, atc, is_authentic, arpc } = proof else { return Err(Refusal::Stopped) };
        let state = &mut self.state;
        if state.card_lockouts.is_locked(id, context.now) {
            return Err(Refusal::CardLocked);
        }
        if !is_authentic {
            state.card_lockouts.miss(id, context.now).for_each(|record| state.open.note(record));
            return Err(Refusal::BadMac);
        }
        if !state.cards.has(id) && state.cards.len() >= self.config.limits.cards {
            return Err(Refusal::CardLimit);
        }
        match state.cards.consume(id, atc) {
            Consumption::Consumed => {}
            Consumption::NeverIssued => return Err(Refusal::NeverIssued),
            Consumption::Replayed => return Err(Refusal::Replayed),
            Consumption::BehindWindow => return Err(Refusal::BehindWindow),
        }
        let record = state.cards.record(id);
        state.open.note(record);
        Ok(Reply::EmvVerified(EmvVerified { atc, arpc }))
    }

    /// The answer to a cryptogram that somebody else verified.
    pub(super) fn emv_arpc(&self, asked: &EmvArpc) -> Result<Reply, Refusal> {
        Mint::new(&self.state.keyring).arpc(&asked.card, asked.arqc, &asked.answer).map(Reply::Arpc)
    }
}
