//! The reply to LIST: a page of tokens.

use super::{malformed, view};
use crate::command::Page;
use crate::wire::Fault;
use crate::wire::cbor::{self, Fields, Key, Value, map_of};

const TOKENS: Key = Key::new(1, "tokens");
const NEXT: Key = Key::new(2, "next");

pub(super) fn encode(out: &mut Vec<u8>, page: &Page) {
    let tokens = page.tokens.iter().map(|token| map_of(view::fields(token).into())).collect();
    let next = page.next.map(|next| Value::Uint(next.into()));
    cbor::write(out, &[(TOKENS, Some(Value::List(tokens))), (NEXT, next)]);
}

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<Page, Fault> {
    let token = |value| view::decode(Fields::of(value).ok_or(malformed(TOKENS))?);
    let tokens = fields.list(TOKENS)?.into_iter().map(token).collect::<Result<_, _>>()?;
    let next = fields.optional_uint(NEXT)?.map(u32::try_from).transpose();
    Ok(Page { tokens, next: next.map_err(|_| malformed(NEXT))? })
}
