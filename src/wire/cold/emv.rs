//! EMV_ISSUE, EMV_VERIFY, EMV_ARPC: a card, its key, and EMV data by their tags.

use super::{PAN, field, pan_text};
use crate::command::{EmvAnswer, EmvArpc, EmvCard, EmvIssue, EmvVerify};
use crate::types::emv::{Arqc, EmvData, Method, Psn};
use crate::wire::cbor::{self, Field, Fields, Key, Value};
use crate::wire::{Fault, Status};

const PSN: Key = Key::new(2, "psn");
pub(super) const KEY: Key = Key::new(3, "key");
const METHOD: Key = Key::new(4, "method");
const DATA: Key = Key::new(5, "emv data");
const ARQC: Key = Key::new(6, "cryptogram");
const CODE: Key = Key::new(7, "response code");
const STATUS: Key = Key::new(8, "card status update");
const TEXT: Key = Key::new(9, "text");

/// Most bytes that a scheme covers in order.
const MAX_TEXT: usize = 512;
/// Most bytes of proprietary authentication data.
const MAX_PROPRIETARY: usize = 8;

pub(super) fn decode_issue(fields: &mut Fields<'_>) -> Result<EmvIssue, Fault> {
    card(fields).map(EmvIssue)
}

pub(super) fn decode_verify(fields: &mut Fields<'_>) -> Result<EmvVerify, Fault> {
    Ok(EmvVerify { card: card(fields)?, arqc: arqc(fields)?, answer: answer(fields)? })
}

pub(super) fn decode_arpc(fields: &mut Fields<'_>) -> Result<EmvArpc, Fault> {
    let (card, arqc) = (card(fields)?, arqc(fields)?);
    Ok(EmvArpc { card, arqc, answer: answer(fields)?.ok_or(CODE.fault(Status::FieldMissing))? })
}

fn card(fields: &mut Fields<'_>) -> Result<EmvCard, Fault> {
    let psn = fields.optional_text(PSN)?.map(|text| Psn::parse(text.as_bytes())).transpose();
    let method = Method::parse(fields.text(METHOD)?);
    let data = fields.optional_bytes(DATA)?.ok_or(DATA.fault(Status::FieldMissing))?;
    Ok(EmvCard {
        key: field::key_label(fields, KEY)?,
        pan: field::pan(fields, PAN)?,
        psn: psn.map_err(|_| PSN.fault(Status::PsnMalformed))?.unwrap_or(Psn::NONE),
        method: method.map_err(|_| METHOD.fault(Status::MethodMalformed))?,
        data: EmvData::parse(data).map_err(|_| DATA.fault(Status::EmvDataMalformed))?,
        text: text(fields)?,
    })
}

fn text(fields: &mut Fields<'_>) -> Result<Option<Vec<u8>>, Fault> {
    match fields.optional_bytes(TEXT)? {
        Some(text) if text.len() > MAX_TEXT => Err(TEXT.fault(Status::EmvDataMalformed)),
        text => Ok(text.map(<[u8]>::to_vec)),
    }
}

fn arqc(fields: &mut Fields<'_>) -> Result<Arqc, Fault> {
    let bytes = fields.optional_bytes(ARQC)?.ok_or(ARQC.fault(Status::FieldMissing))?;
    bytes.try_into().map(Arqc::from_bytes).map_err(|_| ARQC.fault(Status::ArqcMalformed))
}

fn answer(fields: &mut Fields<'_>) -> Result<Option<EmvAnswer>, Fault> {
    match (fields.optional_bytes(CODE)?, fields.optional_bytes(STATUS)?) {
        (None, None) => Ok(None),
        (Some(code), None) => {
            let code = code.try_into().map_err(|_| CODE.fault(Status::AnswerMalformed))?;
            Ok(Some(EmvAnswer::Code(code)))
        }
        (None, Some(status)) => match status.split_first_chunk::<4>() {
            Some((csu, proprietary)) if proprietary.len() <= MAX_PROPRIETARY => {
                Ok(Some(EmvAnswer::Status { csu: *csu, proprietary: proprietary.to_vec() }))
            }
            _ => Err(STATUS.fault(Status::AnswerMalformed)),
        },
        (Some(_), Some(_)) => Err(STATUS.fault(Status::AnswerMalformed)),
    }
}

pub(super) fn encode_issue(out: &mut Vec<u8>, EmvIssue(card): &EmvIssue, key: Field<'_>) {
    encode(out, card, None, None, key);
}

pub(super) fn encode_verify(out: &mut Vec<u8>, verify: &EmvVerify, key: Field<'_>) {
    encode(out, &verify.card, Some(&verify.arqc), verify.answer.as_ref(), key);
}

pub(super) fn encode_arpc(out: &mut Vec<u8>, arpc: &EmvArpc, key: Field<'_>) {
    encode(out, &arpc.card, Some(&arpc.arqc), Some(&arpc.answer), key);
}

fn encode(
    out: &mut Vec<u8>,
    card: &EmvCard,
    arqc: Option<&Arqc>,
    answer: Option<&EmvAnswer>,
    key: Field<'_>,
) {
    let (psn, data) = (card.psn.digits(), card.data.to_ber());
    let psn = std::str::from_utf8(&psn).unwrap_or_default();
    let status = match answer {
        Some(EmvAnswer::Status { csu, proprietary }) => [csu.as_slice(), proprietary].concat(),
        _ => Vec::new(),
    };
    let code = match answer {
        Some(EmvAnswer::Code(code)) => Some(Value::Bytes(code)),
        _ => None,
    };
    let fields = [
        key,
        pan_text(PAN, &card.pan),
        (PSN, Some(Value::Text(psn))),
        (KEY, Some(Value::Text(card.key.as_str()))),
        (METHOD, Some(Value::Owned(card.method.to_string()))),
        (DATA, Some(Value::Bytes(&data))),
        (ARQC, arqc.map(|arqc| Value::Bytes(arqc.as_bytes()))),
        (CODE, code),
        (STATUS, (!status.is_empty()).then(|| Value::Bytes(&status))),
        (TEXT, card.text.as_deref().map(Value::Bytes)),
    ];
    cbor::write(out, &fields);
}
