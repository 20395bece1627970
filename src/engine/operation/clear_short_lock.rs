//! Clear the lock on a token's dynamic verification values.

use super::{Fetched, Stop};
use crate::command::Reply;
use crate::engine::{Context, Engine, Unsealed};
use crate::types::TokenNumber;

impl Engine<Unsealed> {
    pub(super) fn clear_short_lock(
        &mut self,
        context: Context<'_>,
        token: TokenNumber,
        fetched: &Fetched,
    ) -> Result<Reply, Stop> {
        let (slot, record) = self.find_record(context.caller, token, fetched)?;
        let cleared = self.state.short_values.clear(slot);
        self.state.open.records.extend(cleared);
        Ok(Reply::Token(Box::new(self.shown(&record))))
    }
}
