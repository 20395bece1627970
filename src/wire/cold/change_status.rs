//! CHANGE_STATUS: something that happens to a token at its providers.

use super::{TOKEN, field, text};
use crate::command::ChangeStatus;
use crate::types::{DeactivationReason, ProviderName, StatusEvent};
use crate::wire::cbor::{self, Field, Fields, Key, Value};
use crate::wire::{Fault, Status};

const EVENT: Key = Key::new(2, "event");
const REASON: Key = Key::new(3, "reason");
const PROVIDER: Key = Key::new(4, "provider");

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<ChangeStatus, Fault> {
    let token = field::token(fields, TOKEN)?;
    let event = fields.text(EVENT)?;
    let reason = fields.optional_text(REASON)?;
    let event = match (event, reason) {
        ("suspend", None) => Some(StatusEvent::Suspend),
        ("resume", None) => Some(StatusEvent::Resume),
        ("deactivate", Some(reason)) => DeactivationReason::from_name(reason).map(StatusEvent::Deactivate),
        _ => None,
    };
    let event = event.ok_or(EVENT.fault(Status::EventMalformed))?;
    let provider = fields.optional_text(PROVIDER)?.map(ProviderName::parse).transpose();
    let provider = provider.map_err(|_| PROVIDER.fault(Status::ProviderMalformed))?;
    Ok(ChangeStatus { token, provider, event })
}

pub(super) fn encode(out: &mut Vec<u8>, change: &ChangeStatus, key: Field<'_>) {
    let (event, reason) = match change.event {
        StatusEvent::Suspend => ("suspend", None),
        StatusEvent::Resume => ("resume", None),
        StatusEvent::Deactivate(reason) => ("deactivate", Some(reason.name())),
    };
    let token = change.token.digits();
    let provider = change.provider.as_ref().map(|name| Value::Text(name.as_str()));
    let reason = reason.map(Value::Text);
    cbor::write(
        out,
        &[key, text(TOKEN, token.as_str()), text(EVENT, event), (REASON, reason), (PROVIDER, provider)],
    );
}
