//! Held cards and payment sessions' keys.

use super::{EXPIRY, PAN, field, pan_text, text};
use crate::command::{EnterCard, HoldCard, OpenEntry};
use crate::types::{CardHandle, EntrySession, Seconds};
use crate::wire::cbor::{self, Field, Fields, Key, Value};
use crate::wire::{Fault, Status};

const HANDLE: Key = Key::new(1, "handle");
const SESSION: Key = Key::new(1, "session");
const CIPHERTEXT: Key = Key::new(2, "ciphertext");
const HOLD_SECONDS: Key = Key::new(3, "seconds");
const ENTRY_SECONDS: Key = Key::new(1, "seconds");

pub(super) fn decode_hold(fields: &mut Fields<'_>) -> Result<HoldCard, Fault> {
    Ok(HoldCard {
        pan: field::pan(fields, PAN)?,
        expiry: field::expiry(fields, EXPIRY)?,
        seconds: seconds(fields, HOLD_SECONDS)?,
    })
}

pub(super) fn decode_release(fields: &mut Fields<'_>) -> Result<CardHandle, Fault> {
    handle(fields, HANDLE)?.ok_or(HANDLE.fault(Status::FieldMissing))
}

pub(super) fn decode_open(fields: &mut Fields<'_>) -> Result<OpenEntry, Fault> {
    Ok(OpenEntry { seconds: seconds(fields, ENTRY_SECONDS)? })
}

pub(super) fn decode_enter<'b>(fields: &mut Fields<'b>) -> Result<EnterCard<'b>, Fault> {
    let session = session(fields)?;
    let ciphertext = fields.optional_bytes(CIPHERTEXT)?.ok_or(CIPHERTEXT.fault(Status::FieldMissing))?;
    if ciphertext.len() != EnterCard::CIPHERTEXT {
        return Err(CIPHERTEXT.fault(Status::CiphertextMalformed));
    }
    Ok(EnterCard { session, ciphertext, seconds: seconds(fields, HOLD_SECONDS)? })
}

pub(super) fn session(fields: &mut Fields<'_>) -> Result<EntrySession, Fault> {
    let bytes = fields.optional_bytes(SESSION)?.ok_or(SESSION.fault(Status::FieldMissing))?;
    bytes.try_into().map(EntrySession::from_bytes).map_err(|_| SESSION.fault(Status::HandleMalformed))
}

/// A handle that may be missing.
pub(super) fn handle(fields: &mut Fields<'_>, key: Key) -> Result<Option<CardHandle>, Fault> {
    let bytes = fields.optional_bytes(key)?.map(TryInto::try_into).transpose();
    Ok(bytes.map_err(|_| key.fault(Status::HandleMalformed))?.map(CardHandle::from_bytes))
}

fn seconds<const MOST: u32>(fields: &mut Fields<'_>, key: Key) -> Result<Seconds<MOST>, Fault> {
    let seconds = u32::try_from(fields.uint(key)?).ok().and_then(Seconds::new);
    seconds.ok_or(key.fault(Status::SecondsMalformed))
}

pub(super) fn encode_hold(out: &mut Vec<u8>, hold: &HoldCard, key: Field<'_>) {
    let expiry = hold.expiry.to_string();
    let seconds = (HOLD_SECONDS, Some(Value::Uint(hold.seconds.get().into())));
    cbor::write(out, &[key, pan_text(PAN, &hold.pan), text(EXPIRY, &expiry), seconds]);
}

pub(super) fn encode_release(out: &mut Vec<u8>, handle: &CardHandle, key: Field<'_>) {
    cbor::write(out, &[key, (HANDLE, Some(Value::Bytes(handle.as_bytes())))]);
}

pub(super) fn encode_open(out: &mut Vec<u8>, open: &OpenEntry, key: Field<'_>) {
    cbor::write(out, &[key, (ENTRY_SECONDS, Some(Value::Uint(open.seconds.get().into())))]);
}

pub(super) fn encode_enter(out: &mut Vec<u8>, enter: &EnterCard<'_>, key: Field<'_>) {
    let bytes = |key, bytes| (key, Some(Value::Bytes(bytes)));
    let seconds = (HOLD_SECONDS, Some(Value::Uint(enter.seconds.get().into())));
    let session = bytes(SESSION, enter.session.as_bytes().as_slice());
    cbor::write(out, &[key, session, bytes(CIPHERTEXT, enter.ciphertext), seconds]);
}

pub(super) fn encode_close(out: &mut Vec<u8>, session: &EntrySession, key: Field<'_>) {
    cbor::write(out, &[key, (SESSION, Some(Value::Bytes(session.as_bytes())))]);
}
