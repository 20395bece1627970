//! MAKE_CARD_VALUE, VERIFY_CARD_VALUE.

use super::emv::KEY;
use super::{EXPIRY, PAN, field, pan_text, text};
use crate::command::{MakeCardValue, VerifyCardValue};
use crate::types::{CardValue, CardValueKind, DateOrder, ServiceCode};
use crate::wire::cbor::{self, Field, Fields, Key, Value};
use crate::wire::{Fault, Status};

const KIND: Key = Key::new(4, "kind");
const SERVICE_CODE: Key = Key::new(5, "service code");
const VALUE: Key = Key::new(6, "value");
const ORDER: Key = Key::new(7, "date order");

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<MakeCardValue, Fault> {
    let fault = SERVICE_CODE.fault(Status::ServiceCodeMalformed);
    let kind = match (fields.text(KIND)?, fields.optional_text(SERVICE_CODE)?) {
        ("cvv", Some(code)) => CardValueKind::Stripe(ServiceCode::parse(code.as_bytes()).map_err(|_| fault)?),
        ("cvv2", None) => CardValueKind::Printed,
        ("icvv", None) => CardValueKind::Chip,
        ("cvv" | "cvv2" | "icvv", _) => return Err(fault),
        _ => return Err(KIND.fault(Status::BodyMalformed)),
    };
    let order = match fields.optional_text(ORDER)? {
        None | Some("yymm") => DateOrder::YearMonth,
        Some("mmyy") => DateOrder::MonthYear,
        Some(_) => return Err(ORDER.fault(Status::BodyMalformed)),
    };
    Ok(MakeCardValue {
        key: field::key_label(fields, KEY)?,
        pan: field::pan(fields, PAN)?,
        expiry: field::expiry(fields, EXPIRY)?,
        kind,
        order,
    })
}

pub(super) fn decode_verify(fields: &mut Fields<'_>) -> Result<VerifyCardValue, Fault> {
    let of = decode(fields)?;
    let value = CardValue::parse(fields.text(VALUE)?.as_bytes());
    Ok(VerifyCardValue { of, value: value.map_err(|_| VALUE.fault(Status::CardValueMalformed))? })
}

pub(super) fn encode(out: &mut Vec<u8>, of: &MakeCardValue, value: Option<&CardValue>, key: Field<'_>) {
    let expiry = of.expiry.to_string();
    let service_code = of.kind.service_code();
    let service_code = match of.kind {
        CardValueKind::Stripe(_) => std::str::from_utf8(&service_code).ok(),
        CardValueKind::Printed | CardValueKind::Chip => None,
    };
    let order = (of.order == DateOrder::MonthYear).then_some(Value::Text("mmyy"));
    let digits = value.and_then(|value| std::str::from_utf8(value.as_bytes()).ok());
    let fields = [
        key,
        pan_text(PAN, &of.pan),
        text(EXPIRY, &expiry),
        text(KEY, of.key.as_str()),
        text(KIND, of.kind.name()),
        (SERVICE_CODE, service_code.map(Value::Text)),
        (VALUE, digits.map(Value::Text)),
        (ORDER, order),
    ];
    cbor::write(out, &fields);
}
