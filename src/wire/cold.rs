//! The CBOR bodies of all other requests: read as they stand, then parsed field
//! by field into what the engine takes, each fault with its own status.

mod card_value;
mod change_status;
mod emv;
mod entry;
mod field;
mod list;
mod provision;
mod reseal;

use super::cbor::{self, Field, Key, Value};
use super::{Fault, Opcode, Status};
use crate::command::{Command, LinkPar, Renew};
use crate::types::{IdempotencyKey, Pan};

/// The idempotency key's field, the same in every request.
const IDEMPOTENCY: Key = Key::new(0, "idempotency key");
const TOKEN: Key = Key::new(1, "token");
const PAN: Key = Key::new(1, "pan");
const EXPIRY: Key = Key::new(2, "expiry");
const PREDECESSOR: Key = Key::new(2, "predecessor");

/// Reads the body of a request that has no fixed layout.
pub(super) fn decode(
    opcode: Opcode,
    body: &[u8],
) -> Result<(Command<'_>, Option<IdempotencyKey<'_>>), Fault> {
    let mut fields = cbor::read(body)?;
    let key = field::idempotency(&mut fields, IDEMPOTENCY)?;
    let command = match opcode {
        Opcode::Provision => Command::Provision(Box::new(provision::decode(&mut fields)?)),
        Opcode::Show => Command::Show(field::token(&mut fields, TOKEN)?),
        Opcode::Detokenize => Command::Detokenize(field::token(&mut fields, TOKEN)?),
        Opcode::ClearShortLock => Command::ClearShortLock(field::token(&mut fields, TOKEN)?),
        Opcode::List => Command::List(list::decode(&mut fields)?),
        Opcode::Reseal => Command::Reseal(reseal::decode(&mut fields)?),
        Opcode::ChangeStatus => Command::ChangeStatus(change_status::decode(&mut fields)?),
        Opcode::Renew => Command::Renew(Renew {
            token: field::token(&mut fields, TOKEN)?,
            expiry: field::expiry(&mut fields, EXPIRY)?,
        }),
        Opcode::LinkPar => Command::LinkPar(LinkPar {
            pan: field::pan(&mut fields, PAN)?,
            predecessor: field::token(&mut fields, PREDECESSOR)?,
        }),
        Opcode::EmvIssue => Command::EmvIssue(Box::new(emv::decode_issue(&mut fields)?)),
        Opcode::EmvVerify => Command::EmvVerify(Box::new(emv::decode_verify(&mut fields)?)),
        Opcode::EmvArpc => Command::EmvArpc(Box::new(emv::decode_arpc(&mut fields)?)),
        Opcode::MakeCardValue => Command::MakeCardValue(Box::new(card_value::decode(&mut fields)?)),
        Opcode::VerifyCardValue => {
            Command::VerifyCardValue(Box::new(card_value::decode_verify(&mut fields)?))
        }
        Opcode::HoldCard => Command::HoldCard(Box::new(entry::decode_hold(&mut fields)?)),
        Opcode::ReleaseCard => Command::ReleaseCard(entry::decode_release(&mut fields)?),
        Opcode::OpenEntry => Command::OpenEntry(entry::decode_open(&mut fields)?),
        Opcode::EnterCard => Command::EnterCard(entry::decode_enter(&mut fields)?),
        Opcode::CloseEntry => Command::CloseEntry(entry::session(&mut fields)?),
        Opcode::Par => Command::Par(field::pan(&mut fields, PAN)?),
        Opcode::Fingerprint => Command::Fingerprint(field::pan(&mut fields, PAN)?),
        _ => return Err(Status::UnknownOpcode.into()),
    };
    fields.finish()?;
    if key.is_some() && !command.operation().is_changing() {
        return Err(IDEMPOTENCY.fault(Status::IdempotencyKeyNotAllowed));
    }
    Ok((command, key))
}

/// Writes the body of a command that has no fixed layout.
pub(super) fn encode(out: &mut Vec<u8>, command: &Command<'_>, key: Option<IdempotencyKey<'_>>) {
    let key = (IDEMPOTENCY, key.map(|key| Value::Bytes(key.as_bytes())));
    match command {
        Command::Provision(provision) => provision::encode(out, provision, key),
        Command::Show(number) | Command::Detokenize(number) | Command::ClearShortLock(number) => {
            cbor::write(out, &[key, text(TOKEN, number.digits().as_str())]);
        }
        Command::List(list) => list::encode(out, list, key),
        Command::Reseal(reseal) => reseal::encode(out, reseal, key),
        Command::ChangeStatus(change) => change_status::encode(out, change, key),
        Command::Renew(Renew { token, expiry }) => {
            let (token, expiry) = (token.digits(), expiry.to_string());
            cbor::write(out, &[key, text(TOKEN, token.as_str()), text(EXPIRY, &expiry)]);
        }
        Command::LinkPar(LinkPar { pan, predecessor }) => {
            let predecessor = predecessor.digits();
            cbor::write(out, &[key, pan_text(PAN, pan), text(PREDECESSOR, predecessor.as_str())]);
        }
        Command::Par(pan) | Command::Fingerprint(pan) => cbor::write(out, &[key, pan_text(PAN, pan)]),
        Command::EmvIssue(issue) => emv::encode_issue(out, issue, key),
        Command::EmvVerify(verify) => emv::encode_verify(out, verify, key),
        Command::EmvArpc(arpc) => emv::encode_arpc(out, arpc, key),
        Command::MakeCardValue(of) => card_value::encode(out, of, None, key),
        Command::VerifyCardValue(verify) => card_value::encode(out, &verify.of, Some(&verify.value), key),
        Command::HoldCard(hold) => entry::encode_hold(out, hold, key),
        Command::ReleaseCard(handle) => entry::encode_release(out, handle, key),
        Command::OpenEntry(open) => entry::encode_open(out, open, key),
        Command::EnterCard(enter) => entry::encode_enter(out, enter, key),
        Command::CloseEntry(session) => entry::encode_close(out, session, key),
        // Of fixed layout.
        Command::Issue(_) | Command::Verify(_) | Command::IssueShort(_) | Command::VerifyShort(_) => {}
    }
}

fn text(key: Key, text: &str) -> Field<'_> {
    (key, Some(Value::Text(text)))
}

/// The digits, borrowed: they are copied into the buffer only, which is wiped.
fn pan_text(key: Key, pan: &Pan) -> Field<'_> {
    (key, std::str::from_utf8(pan.expose_digits()).ok().map(Value::Text))
}
