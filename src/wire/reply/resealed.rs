//! The reply to RESEAL: how far it has come.

use super::malformed;
use crate::command::Resealed;
use crate::types::KeyVersion;
use crate::wire::Fault;
use crate::wire::cbor::{self, Fields, Key, Value};

const VERSION: Key = Key::new(1, "version");
const LOOKED_AT: Key = Key::new(2, "looked at");
const RESEALED: Key = Key::new(3, "resealed");
const UNOPENED: Key = Key::new(4, "unopened");
const TOKENS: Key = Key::new(5, "tokens");
const NEXT: Key = Key::new(6, "next");

pub(super) fn encode(out: &mut Vec<u8>, resealed: &Resealed) {
    let count = |key, value: u32| (key, Some(Value::Uint(value.into())));
    cbor::write(
        out,
        &[
            count(VERSION, resealed.version.get().into()),
            count(LOOKED_AT, resealed.looked_at),
            count(RESEALED, resealed.resealed),
            count(UNOPENED, resealed.unopened),
            count(TOKENS, resealed.tokens),
            (NEXT, resealed.next.map(|next| Value::Uint(next.into()))),
        ],
    );
}

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<Resealed, Fault> {
    let mut count = |key| u32::try_from(fields.uint(key)?).map_err(|_| malformed(key));
    let version = u8::try_from(count(VERSION)?).ok().and_then(|version| KeyVersion::new(version).ok());
    Ok(Resealed {
        version: version.ok_or(malformed(VERSION))?,
        looked_at: count(LOOKED_AT)?,
        resealed: count(RESEALED)?,
        unopened: count(UNOPENED)?,
        tokens: count(TOKENS)?,
        next: fields.optional_uint(NEXT)?.map(u32::try_from).transpose().map_err(|_| malformed(NEXT))?,
    })
}
