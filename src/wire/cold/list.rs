//! LIST: a page of a requestor's tokens.

use super::{field, text};
use crate::command::List;
use crate::wire::Fault;
use crate::wire::cbor::{self, Field, Fields, Key, Value};

const TRID: Key = Key::new(1, "trid");
const AFTER: Key = Key::new(2, "after");
const LIMIT: Key = Key::new(3, "limit");

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<List, Fault> {
    let trid = field::trid(fields, TRID)?;
    let list = List { trid, after: field::position(fields, AFTER)?, limit: field::limit(fields, LIMIT)? };
    #[cfg(fuzzing)]
    planted(&list);
    Ok(list)
}

/// The bug that `fuzz/planted` has the fuzzers find.
#[cfg(fuzzing)]
fn planted(list: &List) {
    let is_met = list.after.is_some_and(|after| after > 1000) && list.limit < 5;
    assert!(option_env!("TALLYSTICK_PLANTED").is_none() || !is_met, "a bug that is planted");
}

pub(super) fn encode(out: &mut Vec<u8>, list: &List, key: Field<'_>) {
    let trid = list.trid.to_string();
    let after = list.after.map(|after| Value::Uint(after.into()));
    let limit = Some(Value::Uint(list.limit.into()));
    cbor::write(out, &[key, text(TRID, &trid), (AFTER, after), (LIMIT, limit)]);
}
