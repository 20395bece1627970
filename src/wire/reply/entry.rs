//! Replies about held cards and payment sessions' keys.

use super::{expiry, fingerprint, malformed};
use crate::command::{EnteredCard, HeldCard, OpenedEntry, Reply};
use crate::types::{CardHandle, EntrySession, Network, Par, UnixTime};
use crate::wire::cbor::{self, Field, Fields, Key, Value};
use crate::wire::{Fault, Opcode, Status};

const HANDLE: Key = Key::new(1, "handle");
const IIN: Key = Key::new(2, "iin");
const LAST_FOUR: Key = Key::new(3, "last four");
const PAN_LENGTH: Key = Key::new(4, "pan length");
const NETWORK: Key = Key::new(5, "network");
const EXPIRY: Key = Key::new(6, "expiry");
const FINGERPRINT: Key = Key::new(7, "fingerprint");
const PAR: Key = Key::new(8, "par");
const UNTIL: Key = Key::new(9, "until");
const CVC_GIVEN: Key = Key::new(10, "cvc given");

const SESSION: Key = Key::new(1, "session");
const PUBLIC_KEY: Key = Key::new(2, "public key");
const SESSION_UNTIL: Key = Key::new(3, "until");

pub(super) fn encode_held(out: &mut Vec<u8>, held: &HeldCard) {
    cbor::write(out, &fields(held));
}

pub(super) fn encode_entered(out: &mut Vec<u8>, entered: &EnteredCard) {
    let [a, b, c, d, e, f, g, h, i] = fields(&entered.card);
    cbor::write(out, &[a, b, c, d, e, f, g, h, i, (CVC_GIVEN, Some(Value::Bool(entered.cvc_given)))]);
}

pub(super) fn encode_opened(out: &mut Vec<u8>, opened: &OpenedEntry) {
    cbor::write(
        out,
        &[
            (SESSION, Some(Value::Bytes(opened.session.as_bytes()))),
            (PUBLIC_KEY, Some(Value::Bytes(&opened.public_key))),
            (SESSION_UNTIL, Some(Value::Uint(opened.until.seconds()))),
        ],
    );
}

pub(super) fn decode(opcode: Opcode, fields: &mut Fields<'_>) -> Result<Reply, Fault> {
    Ok(match opcode {
        Opcode::HoldCard => Reply::CardHeld(Box::new(held(fields)?)),
        Opcode::EnterCard => {
            let cvc_given = fields.optional_bool(CVC_GIVEN)?.ok_or(CVC_GIVEN.fault(Status::FieldMissing))?;
            Reply::CardEntered(Box::new(EnteredCard { card: held(fields)?, cvc_given }))
        }
        Opcode::OpenEntry => Reply::EntryOpened(Box::new(OpenedEntry {
            session: EntrySession::from_bytes(name(fields, SESSION)?),
            public_key: bytes(fields, PUBLIC_KEY)?.to_vec(),
            until: UnixTime::from_seconds(fields.uint(SESSION_UNTIL)?),
        })),
        Opcode::ReleaseCard => Reply::CardReleased,
        Opcode::CloseEntry => Reply::EntryClosed,
        _ => return Err(Status::UnknownOpcode.into()),
    })
}

fn fields(held: &HeldCard) -> [Field<'_>; 9] {
    let digits = |key, digits| (key, std::str::from_utf8(digits).ok().map(Value::Text));
    [
        (HANDLE, Some(Value::Bytes(held.handle.as_bytes()))),
        digits(IIN, &held.iin),
        digits(LAST_FOUR, &held.last_four),
        (PAN_LENGTH, Some(Value::Uint(held.pan_length.into()))),
        (NETWORK, Some(Value::Text(held.network.name()))),
        (EXPIRY, Some(Value::Owned(held.expiry.to_string()))),
        (FINGERPRINT, Some(Value::Bytes(held.fingerprint.as_bytes()))),
        (PAR, Some(Value::Text(held.par.as_str()))),
        (UNTIL, Some(Value::Uint(held.until.seconds()))),
    ]
}

fn held(fields: &mut Fields<'_>) -> Result<HeldCard, Fault> {
    Ok(HeldCard {
        handle: CardHandle::from_bytes(name(fields, HANDLE)?),
        iin: digits(fields, IIN)?,
        last_four: digits(fields, LAST_FOUR)?,
        pan_length: u8::try_from(fields.uint(PAN_LENGTH)?).map_err(|_| malformed(PAN_LENGTH))?,
        network: Network::from_name(fields.text(NETWORK)?).ok_or(malformed(NETWORK))?,
        expiry: expiry(fields, EXPIRY)?,
        fingerprint: fingerprint(fields, FINGERPRINT)?,
        par: Par::parse(fields.text(PAR)?).map_err(|_| malformed(PAR))?,
        until: UnixTime::from_seconds(fields.uint(UNTIL)?),
    })
}

fn digits<const N: usize>(fields: &mut Fields<'_>, key: Key) -> Result<[u8; N], Fault> {
    let digits: [u8; N] = fields.text(key)?.as_bytes().try_into().map_err(|_| malformed(key))?;
    if digits.iter().all(u8::is_ascii_digit) { Ok(digits) } else { Err(malformed(key)) }
}

fn name(fields: &mut Fields<'_>, key: Key) -> Result<[u8; 16], Fault> {
    bytes(fields, key)?.try_into().map_err(|_| malformed(key))
}

fn bytes<'b>(fields: &mut Fields<'b>, key: Key) -> Result<&'b [u8], Fault> {
    fields.optional_bytes(key)?.ok_or(key.fault(Status::FieldMissing))
}
