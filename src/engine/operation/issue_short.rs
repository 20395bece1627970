//! Issue a dynamic verification value.

use crate::command::{Issue, IssuedShort, Refusal, Reply};
use crate::cryptogram::native::{Covered, Deriver};
use crate::engine::{Context, Engine, Unsealed};
use crate::types::Network;

impl Engine<Unsealed> {
    pub(super) fn issue_short(
        &mut self,
        context: Context<'_>,
        request: &Issue<'_>,
    ) -> Result<Reply, Refusal> {
        let slot = self.check_issue(context, request)?;
        if self.state.short_values.is_locked(slot) {
            return Err(Refusal::ShortLocked);
        }
        let task = self.take_counter(context, request, slot)?;
        let deriver = Deriver::new(self.state.keyring.token_derivation.active().1);
        let covered = Covered { trid: task.trid, expiry: task.expiry, transaction: task.transaction };
        let digits = Network::of_digits(task.token.digits().as_bytes()).verification_digits();
        let value = deriver.with_token_key(task.token, |key| key.short_value(&task.header, &covered, digits));
        let value = value.map_err(|_| Refusal::BindingMismatch)?;
        let record = self.state.short_values.remember(slot, task.header, context.now);
        self.state.open.records.push(record);
        Ok(Reply::IssuedShort(IssuedShort { value, expiry: task.expiry, atc: task.header.atc }))
    }
}
