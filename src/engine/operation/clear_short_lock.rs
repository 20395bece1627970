//! Clear the locks on a token: of its dynamic verification values and of its
//! cryptograms.

use super::{Fetched, Stop};
use crate::command::Reply;
use crate::engine::{Context, Engine, Unsealed};
use crate::store::TokenSlot;
use crate::types::TokenNumber;

impl Engine<Unsealed> {
    pub(super) fn clear_short_lock(
        &mut self,
        context: Context<'_>,
        token: TokenNumber,
        fetched: &Fetched,
    ) -> Result<Reply, Stop> {
        let (slot, record) = self.find_record(context.caller, token, fetched)?;
        self.clear_locks(slot);
        Ok(Reply::Token(Box::new(self.shown(&record))))
    }

    /// Forgets the misses of a token.
    pub(super) fn clear_locks(&mut self, slot: TokenSlot) {
        let state = &mut self.state;
        let cleared = state.short_values.clear(slot).into_iter().chain(state.lockouts.clear(slot));
        state.open.records.extend(cleared);
    }
}
