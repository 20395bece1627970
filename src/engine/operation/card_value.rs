//! Card verification values: make, and verify with few attempts.

use crate::command::{MakeCardValue, Refusal, Reply};
use crate::engine::{CardId, Context, Engine, Mint, Unsealed};

impl Engine<Unsealed> {
    pub(super) fn make_card_value(&self, asked: &MakeCardValue) -> Result<Reply, Refusal> {
        Mint::new(&self.state.keyring).card_value(asked).map(Reply::CardValue)
    }

    /// Tells whether a value is right, and counts it if it is not.
    pub(super) fn verify_card_value(
        &mut self,
        context: Context<'_>,
        id: CardId,
        is_right: bool,
    ) -> Result<Reply, Refusal> {
        let state = &mut self.state;
        if state.card_lockouts.is_locked(id, context.now) {
            return Err(Refusal::CardLocked);
        }
        if is_right {
            return Ok(Reply::CardValueVerified);
        }
        state.card_lockouts.miss(id, context.now).for_each(|record| state.open.note(record));
        Err(Refusal::CardValueMismatch)
    }
}
