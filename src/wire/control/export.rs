//! A page of PANs.

use crate::types::{Expiry, Pan, TokenNumber};
use crate::wire::cbor::{self, Fields, Key, Value};
use crate::wire::{Fault, Status};

const CARDS: Key = Key::new(1, "cards");
const NEXT: Key = Key::new(2, "next");
const LEFT_OUT: Key = Key::new(3, "left out");
const TOKENS: Key = Key::new(4, "tokens");

/// A page of tokens and their PANs, in clear. The PANs are wiped on drop.
#[derive(Debug)]
pub struct Export {
    /// Token, PAN and the card's expiry.
    pub cards: Vec<(TokenNumber, Pan, Expiry)>,
    /// Where to go on; none at the end.
    pub next: Option<u32>,
    /// Tokens looked at whose PAN is there and does not open.
    pub left_out: u32,
    /// Tokens held.
    pub tokens: u32,
}

impl Export {
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        // The digits are borrowed: they are copied into the buffer only, which is wiped.
        let list = self.cards.iter().map(|(token, pan, expiry)| {
            let digits = std::str::from_utf8(pan.expose_digits()).unwrap_or_default();
            Value::List(vec![
                Value::Owned(token.to_string()),
                Value::Text(digits),
                Value::Owned(expiry.to_string()),
            ])
        });
        let count = |number: u32| Some(Value::Uint(number.into()));
        let next = self.next.and_then(count);
        cbor::write(
            out,
            &[
                (CARDS, Some(Value::List(list.collect()))),
                (NEXT, next),
                (LEFT_OUT, count(self.left_out)),
                (TOKENS, count(self.tokens)),
            ],
        );
    }

    pub(super) fn decode(mut fields: Fields<'_>) -> Result<Self, Fault> {
        let malformed = |key: Key| key.fault(Status::BodyMalformed);
        let cards = fields.list(CARDS)?.into_iter().map(|value| card(&value)).collect::<Option<_>>();
        let number = |number: u64, key: Key| u32::try_from(number).map_err(|_| malformed(key));
        let export = Self {
            cards: cards.ok_or(malformed(CARDS))?,
            next: fields.optional_uint(NEXT)?.map(|next| number(next, NEXT)).transpose()?,
            left_out: number(fields.uint(LEFT_OUT)?, LEFT_OUT)?,
            tokens: number(fields.uint(TOKENS)?, TOKENS)?,
        };
        fields.finish()?;
        Ok(export)
    }
}

fn card(value: &Value<'_>) -> Option<(TokenNumber, Pan, Expiry)> {
    let Value::List(list) = value else { return None };
    let [Value::Text(token), Value::Text(pan), Value::Text(expiry)] = list.as_slice() else { return None };
    let token = TokenNumber::parse(token.as_bytes()).ok()?;
    Some((token, Pan::parse(pan.as_bytes()).ok()?, Expiry::parse(expiry.as_bytes()).ok()?))
}
