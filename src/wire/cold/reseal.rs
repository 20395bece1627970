//! RESEAL: where to go on, and how many rows to look at.

use super::field;
use crate::command::Reseal;
use crate::wire::Fault;
use crate::wire::cbor::{self, Field, Fields, Key, Value};

const AFTER: Key = Key::new(1, "after");
const LIMIT: Key = Key::new(2, "limit");

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<Reseal, Fault> {
    Ok(Reseal { after: field::position(fields, AFTER)?, limit: field::limit(fields, LIMIT)? })
}

pub(super) fn encode(out: &mut Vec<u8>, reseal: &Reseal, key: Field<'_>) {
    let after = reseal.after.map(|after| Value::Uint(after.into()));
    cbor::write(out, &[key, (AFTER, after), (LIMIT, Some(Value::Uint(reseal.limit.into())))]);
}
