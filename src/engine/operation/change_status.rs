//! Suspend, resume, deactivate, delete.

use super::{Fetched, Stop};
use crate::command::{ChangeStatus, Refusal, Reply};
use crate::engine::{Context, Engine, Unsealed};
use crate::types::{StatusError, TokenStatus};

impl Engine<Unsealed> {
    pub(super) fn change_status(
        &mut self,
        context: Context<'_>,
        request: &ChangeStatus,
        fetched: &Fetched,
    ) -> Result<Reply, Stop> {
        let (slot, mut record) = self.find_record(context.caller, request.token, fetched)?;
        let applied = record.view.providers.apply(request.provider.as_ref(), request.event);
        applied.map_err(|error| match error {
            StatusError::Deactivated => Refusal::TokenDeactivated,
            StatusError::UnknownProvider => Refusal::UnknownProvider,
            StatusError::TooManyProviders => Refusal::TooManyProviders,
        })?;
        if let TokenStatus::Deactivated(_) = record.view.providers.overall() {
            // Final, so nothing may ask for the PAN again.
            record.pan = None;
        } else {
            record.check_changeable()?;
        }
        let view = self.shown(&record);
        self.write(slot, record)?;
        Ok(Reply::Token(Box::new(view)))
    }
}
