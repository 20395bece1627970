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
        let need = Need::Rows { trid: request.trid, after: request.after.map(TokenSlot), limit };
        let rows = match fetched {
            Fetched::Rows(rows) => rows,
            Fetched::Missing => return Err(Refusal::Stopped.into()),
            _ => return Err(Stop::Fetch(need)),
        };
        let mut tokens = Vec::with_capacity(rows.len());
        for row in rows {
            let Some(record) = self.current(row) else { return Err(Stop::Fetch(need)) };
            tokens.push(self.shown(&record?));
        }
        let next = if rows.len() < limit { None } else { rows.last().map(|row| row.slot.0) };
        Ok(Reply::Page(Page { tokens, next }))
    }
}
