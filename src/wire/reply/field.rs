//! Replies about application cryptograms and card verification values.

use super::malformed;
use crate::command::{EmvIssued, EmvVerified, Reply};
use crate::types::emv::{Arpc, Arqc};
use crate::types::{Atc, CardValue};
use crate::wire::cbor::{self, Fields, Key, Value};
use crate::wire::{Fault, Opcode, Status};

const ATC: Key = Key::new(1, "atc");
const ARQC: Key = Key::new(2, "cryptogram");
const ARPC: Key = Key::new(3, "arpc");
const VALUE: Key = Key::new(1, "value");

/// Appends the body, if the reply is one of these.
pub(super) fn encode(out: &mut Vec<u8>, reply: &Reply) {
    match reply {
        Reply::EmvIssued(EmvIssued { atc, arqc }) => {
            cbor::write(out, &[atc_field(*atc), (ARQC, Some(Value::Bytes(arqc.as_bytes())))]);
        }
        Reply::EmvVerified(EmvVerified { atc, arpc }) => {
            let arpc = arpc.as_ref().map(|arpc| Value::Bytes(arpc.as_bytes()));
            cbor::write(out, &[atc_field(*atc), (ARPC, arpc)]);
        }
        Reply::Arpc(arpc) => cbor::write(out, &[(ARPC, Some(Value::Bytes(arpc.as_bytes())))]),
        Reply::CardValue(value) => {
            let digits = std::str::from_utf8(value.as_bytes()).unwrap_or_default();
            cbor::write(out, &[(VALUE, Some(Value::Text(digits)))]);
        }
        _ => cbor::write(out, &[]),
    }
}

pub(super) fn decode(opcode: Opcode, fields: &mut Fields<'_>) -> Result<Reply, Fault> {
    Ok(match opcode {
        Opcode::EmvIssue => {
            let arqc = fields.optional_bytes(ARQC)?.ok_or(ARQC.fault(Status::FieldMissing))?;
            let arqc = arqc.try_into().map(Arqc::from_bytes).map_err(|_| malformed(ARQC))?;
            Reply::EmvIssued(EmvIssued { atc: atc(fields)?, arqc })
        }
        Opcode::EmvVerify => {
            let arpc = match fields.optional_bytes(ARPC)? {
                Some(arpc) => Some(Arpc::from_slice(arpc).ok_or(malformed(ARPC))?),
                None => None,
            };
            Reply::EmvVerified(EmvVerified { atc: atc(fields)?, arpc })
        }
        Opcode::EmvArpc => {
            let arpc = fields.optional_bytes(ARPC)?.ok_or(ARPC.fault(Status::FieldMissing))?;
            Reply::Arpc(Arpc::from_slice(arpc).ok_or(malformed(ARPC))?)
        }
        Opcode::MakeCardValue => {
            let value = CardValue::parse(fields.text(VALUE)?.as_bytes());
            Reply::CardValue(value.map_err(|_| malformed(VALUE))?)
        }
        Opcode::VerifyCardValue => Reply::CardValueVerified,
        _ => return Err(Status::UnknownOpcode.into()),
    })
}

fn atc_field(atc: Atc) -> cbor::Field<'static> {
    (ATC, Some(Value::Uint(atc.get().into())))
}

fn atc(fields: &mut Fields<'_>) -> Result<Atc, Fault> {
    let atc = u16::try_from(fields.uint(ATC)?).ok().and_then(|atc| Atc::new(atc.into()));
    atc.ok_or(malformed(ATC))
}
