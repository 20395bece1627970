//! The bodies of replies.

mod entry;
mod field;
mod page;
mod resealed;
mod view;

use super::buffer::append;
use super::cbor::{self, Fields, Key, Value};
use super::{Fault, Opcode, Status};
use crate::command::{Detokenized, Issued, IssuedShort, Reply, Verified};
use crate::types::{Atc, Cryptogram, Expiry, Fingerprint, Pan, Par, ShortValue};

const PAN: Key = Key::new(1, "pan");
const EXPIRY: Key = Key::new(2, "expiry");
const PAR: Key = Key::new(1, "par");
const FINGERPRINT: Key = Key::new(1, "fingerprint");

/// Appends the body of a reply. It may hold a PAN: what was in `out` is wiped if
/// it must grow, and the caller wipes it in the end.
pub fn encode_reply(out: &mut Vec<u8>, reply: &Reply) {
    match reply {
        Reply::Issued(Issued { cryptogram, expiry }) => {
            append(out, cryptogram.as_bytes());
            append(out, &expiry.value().to_be_bytes());
        }
        Reply::Verified(Verified { atc }) => append(out, &atc.get().to_be_bytes()),
        Reply::IssuedShort(IssuedShort { value, expiry, atc }) => {
            let digits = value.as_bytes();
            append(out, &atc.get().to_be_bytes());
            append(out, &expiry.value().to_be_bytes());
            append(out, &[u8::try_from(digits.len()).unwrap_or(0)]);
            append(out, digits);
        }
        Reply::Token(token) => cbor::write(out, &view::fields(token)),
        Reply::Page(page) => page::encode(out, page),
        Reply::Resealed(resealed) => resealed::encode(out, resealed),
        Reply::Detokenized(Detokenized { pan, expiry }) => {
            let digits = std::str::from_utf8(pan.expose_digits()).unwrap_or_default();
            let expiry = expiry.to_string();
            cbor::write(out, &[(PAN, Some(Value::Text(digits))), (EXPIRY, Some(Value::Text(&expiry)))]);
        }
        Reply::Par(par) => cbor::write(out, &[(PAR, Some(Value::Text(par.as_str())))]),
        Reply::CardHeld(held) => entry::encode_held(out, held),
        Reply::CardEntered(entered) => entry::encode_entered(out, entered),
        Reply::EntryOpened(opened) => entry::encode_opened(out, opened),
        Reply::CardReleased | Reply::EntryClosed => cbor::write(out, &[]),
        Reply::EmvIssued(_)
        | Reply::EmvVerified(_)
        | Reply::Arpc(_)
        | Reply::CardValue(_)
        | Reply::CardValueVerified => field::encode(out, reply),
        Reply::Fingerprint(value) => {
            cbor::write(out, &[(FINGERPRINT, Some(Value::Bytes(value.as_bytes())))]);
        }
    }
}

/// Reads the body of a successful reply to `opcode`.
///
/// # Errors
/// [`Fault`] if it is not of that operation's form.
pub fn decode_reply(opcode: Opcode, body: &[u8]) -> Result<Reply, Fault> {
    match opcode {
        Opcode::Issue => issued(body),
        Opcode::Verify | Opcode::VerifyShort => verified(body),
        Opcode::IssueShort => issued_short(body),
        _ => decode_map(opcode, cbor::read(body)?),
    }
}

fn decode_map(opcode: Opcode, mut fields: Fields<'_>) -> Result<Reply, Fault> {
    let reply = match opcode {
        Opcode::Provision | Opcode::Show | Opcode::ChangeStatus | Opcode::Renew | Opcode::ClearShortLock => {
            return view::decode(fields).map(|view| Reply::Token(Box::new(view)));
        }
        Opcode::List => Reply::Page(page::decode(&mut fields)?),
        Opcode::Reseal => Reply::Resealed(resealed::decode(&mut fields)?),
        Opcode::Detokenize => Reply::Detokenized(Detokenized {
            pan: Pan::parse(fields.text(PAN)?.as_bytes()).map_err(|_| malformed(PAN))?,
            expiry: expiry(&mut fields, EXPIRY)?,
        }),
        Opcode::LinkPar | Opcode::Par => {
            Reply::Par(Par::parse(fields.text(PAR)?).map_err(|_| malformed(PAR))?)
        }
        Opcode::Fingerprint => Reply::Fingerprint(fingerprint(&mut fields, FINGERPRINT)?),
        Opcode::HoldCard
        | Opcode::ReleaseCard
        | Opcode::OpenEntry
        | Opcode::EnterCard
        | Opcode::CloseEntry => entry::decode(opcode, &mut fields)?,
        _ => field::decode(opcode, &mut fields)?,
    };
    fields.finish()?;
    Ok(reply)
}

fn issued(body: &[u8]) -> Result<Reply, Fault> {
    let (cryptogram, rest) = body.split_first_chunk::<{ Cryptogram::LEN }>().ok_or(Status::BodyTruncated)?;
    let (expiry, rest) = rest.split_first_chunk::<2>().ok_or(Status::BodyTruncated)?;
    nothing_after(rest)?;
    Ok(Reply::Issued(Issued {
        cryptogram: Cryptogram::from_slice(cryptogram).map_err(|_| Status::CryptogramLength)?,
        expiry: expiry_of(*expiry)?,
    }))
}

fn issued_short(body: &[u8]) -> Result<Reply, Fault> {
    let (atc, rest) = body.split_first_chunk::<4>().ok_or(Status::BodyTruncated)?;
    let (expiry, rest) = rest.split_first_chunk::<2>().ok_or(Status::BodyTruncated)?;
    let (count, rest) = rest.split_first().ok_or(Status::BodyTruncated)?;
    let (digits, rest) = rest.split_at_checked(usize::from(*count)).ok_or(Status::BodyTruncated)?;
    nothing_after(rest)?;
    let value = ShortValue::parse(digits).map_err(|_| Status::ShortValueMalformed)?;
    Ok(Reply::IssuedShort(IssuedShort { value, expiry: expiry_of(*expiry)?, atc: atc_of(*atc)? }))
}

fn verified(body: &[u8]) -> Result<Reply, Fault> {
    let (atc, rest) = body.split_first_chunk::<4>().ok_or(Status::BodyTruncated)?;
    nothing_after(rest)?;
    Ok(Reply::Verified(Verified { atc: atc_of(*atc)? }))
}

fn nothing_after(rest: &[u8]) -> Result<(), Fault> {
    if rest.is_empty() { Ok(()) } else { Err(Status::BodyTrailing.into()) }
}

fn fingerprint(fields: &mut Fields<'_>, key: Key) -> Result<Fingerprint, Fault> {
    let bytes = fields.optional_bytes(key)?.ok_or(key.fault(Status::FieldMissing))?;
    bytes.try_into().map(Fingerprint::from_bytes).map_err(|_| malformed(key))
}

fn expiry(fields: &mut Fields<'_>, key: Key) -> Result<Expiry, Fault> {
    Expiry::parse(fields.text(key)?.as_bytes()).map_err(|_| malformed(key))
}

fn expiry_of(bytes: [u8; 2]) -> Result<Expiry, Fault> {
    Expiry::from_value(u16::from_be_bytes(bytes)).map_err(|_| Status::ExpiryMalformed.into())
}

fn atc_of(bytes: [u8; 4]) -> Result<Atc, Fault> {
    Atc::new(u32::from_be_bytes(bytes)).ok_or(Status::BodyMalformed.into())
}

const fn malformed(key: Key) -> Fault {
    key.fault(Status::BodyMalformed)
}
