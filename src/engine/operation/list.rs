//! List a requestor's tokens, a page at a time, in the order they were made.

use super::{Fetched, Need, Stop};
use crate::command::{List, Page, Refusal, Reply};
use crate::engine::{Context, Engine, Unsealed};
use crate::store::TokenSlot;

impl Engine<Unsealed> {
    pub(super) fn list(
        &self,
        context: Context<'_>,
        request: &List,
        fetched: &Fetched,
    ) -> Result<Reply, Stop> {
        if !context.caller.may_act_for(request.trid) {
            return Err(Refusal::TridNotAllowed.into());
        }
        let limit = usize::from(request.limit);
        let Fetched::Rows(rows) = fetched else {
            let after = request.after.map(TokenSlot);
            return Err(Stop::Fetch(Need::Rows { trid: request.trid, after, limit }));
        };
        let mut tokens = Vec::with_capacity(rows.len());
        for row in rows {
            let stored;
            let record = match self.state.book.kept_row(row.slot) {
                Some(kept) => kept,
                None => {
                    stored = self.opened(row)?;
                    &stored
                }
            };
            tokens.push(self.shown(record));
        }
        let next = if rows.len() < limit { None } else { rows.last().map(|row| row.slot.0) };
        Ok(Reply::Page(Page { tokens, next }))
    }
}
