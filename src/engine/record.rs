//! The stored form of tokens and remembered replies: CBOR arrays, read back
//! with every rule of the types checked again.

mod reply;
mod token;

pub(super) use reply::{decode_reply, encode_reply};
#[cfg(test)]
pub(super) use token::tests::record as sample;
pub(super) use token::{SealedPan, TokenRecord};

use crate::store::StoreError;

/// What is stored is not what we wrote.
const DAMAGED: StoreError = StoreError::Corrupt("a stored record cannot be read");

/// Encodes into a new vector. Writing to memory cannot fail.
pub(super) fn encode<T: minicbor::Encode<()>>(value: &T) -> Vec<u8> {
    minicbor::to_vec(value).unwrap_or_default()
}

/// Decodes all of `bytes`.
pub(super) fn decode<'b, T: minicbor::Decode<'b, ()>>(bytes: &'b [u8]) -> Result<T, StoreError> {
    let mut decoder = minicbor::Decoder::new(bytes);
    let value = decoder.decode().map_err(|_| DAMAGED)?;
    if decoder.position() == bytes.len() { Ok(value) } else { Err(DAMAGED) }
}
