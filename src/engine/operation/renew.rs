//! Give a token a new expiry.

use super::{Fetched, Stop};
use crate::command::{Refusal, Renew, Reply};
use crate::engine::{Context, Engine, Unsealed};
use crate::types::TokenStatus;

impl Engine<Unsealed> {
    pub(super) fn renew(
        &mut self,
        context: Context<'_>,
        request: &Renew,
        fetched: &Fetched,
    ) -> Result<Reply, Stop> {
        let (slot, mut record) = self.find_record(context.caller, request.token, fetched)?;
        if let TokenStatus::Deactivated(_) = record.view.providers.overall() {
            return Err(Refusal::TokenDeactivated.into());
        }
        if request.expiry.is_past(context.now) {
            return Err(Refusal::ExpiryPast.into());
        }
        record.check_changeable()?;
        record.view.expiry = request.expiry;
        record.view.card_expiry = request.expiry;
        let view = self.shown(&record);
        self.write(slot, record)?;
        // A provisioning step, which clears locks.
        self.clear_locks(slot);
        Ok(Reply::Token(Box::new(view)))
    }
}
