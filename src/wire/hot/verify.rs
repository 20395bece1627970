//! VERIFY and VERIFY_SHORT: one layout, with a cryptogram or a short value in it.

use super::{Cursor, Head, Keyed, idempotency, len_byte};
use crate::command::{Verify, VerifyShort};
use crate::types::{
    Cryptogram, Expiry, IdempotencyKey, Merchant, ShortValue, TokenNumber, Transaction, Trid,
};
use crate::wire::buffer::append;
use crate::wire::{Fault, Status};

/// A verification whose last part, cryptogram or short value, is still bytes.
struct Presented<'a> {
    token: TokenNumber,
    expiry: Expiry,
    trid: Trid,
    transaction: Transaction<'a>,
    proof: &'a [u8],
    key: Option<IdempotencyKey<'a>>,
}

fn decode_presented(body: &[u8]) -> Result<Presented<'_>, Fault> {
    let mut cursor = Cursor(body);
    let head = Head::read(&mut cursor)?;
    let expiry = cursor.u16()?;
    let [digits, present, channel, merchant_len, key_len] = cursor.array()?;
    let proof_len = cursor.byte()?;
    let proof = cursor.slice(proof_len)?;
    let merchant = cursor.slice(merchant_len)?;
    let key = cursor.slice(key_len)?;
    cursor.finish()?;
    Ok(Presented {
        token: head.token(digits)?,
        expiry: Expiry::from_value(expiry).map_err(|_| Status::ExpiryMalformed)?,
        trid: head.trid()?,
        transaction: head.transaction(present, channel, merchant)?,
        proof,
        key: idempotency(key)?,
    })
}

pub(in crate::wire) fn decode_verify(body: &[u8]) -> Result<Keyed<'_, Verify<'_>>, Fault> {
    let Presented { token, expiry, trid, transaction, proof, key } = decode_presented(body)?;
    let cryptogram = Cryptogram::from_slice(proof).map_err(|_| Status::CryptogramLength)?;
    Ok((Verify { token, expiry, trid, transaction, cryptogram }, key))
}

pub(in crate::wire) fn decode_verify_short(body: &[u8]) -> Result<Keyed<'_, VerifyShort<'_>>, Fault> {
    let Presented { token, expiry, trid, transaction, proof, key } = decode_presented(body)?;
    let value = ShortValue::parse(proof).map_err(|_| Status::ShortValueMalformed)?;
    Ok((VerifyShort { token, expiry, trid, transaction, value }, key))
}

pub(in crate::wire) fn encode_verify(
    out: &mut Vec<u8>,
    verify: &Verify<'_>,
    key: Option<IdempotencyKey<'_>>,
) {
    let proof = verify.cryptogram.as_bytes();
    encode_presented(out, verify.token, verify.expiry, verify.trid, &verify.transaction, proof, key);
}

pub(in crate::wire) fn encode_verify_short(
    out: &mut Vec<u8>,
    verify: &VerifyShort<'_>,
    key: Option<IdempotencyKey<'_>>,
) {
    let proof = verify.value.as_bytes();
    encode_presented(out, verify.token, verify.expiry, verify.trid, &verify.transaction, proof, key);
}

fn encode_presented(
    out: &mut Vec<u8>,
    token: TokenNumber,
    expiry: Expiry,
    trid: Trid,
    transaction: &Transaction<'_>,
    proof: &[u8],
    key: Option<IdempotencyKey<'_>>,
) {
    let merchant = transaction.merchant.map_or(&[][..], Merchant::as_bytes);
    let key = key.map_or(&[][..], IdempotencyKey::as_bytes);
    Head::write(out, token, trid, transaction);
    append(out, &expiry.value().to_be_bytes());
    append(
        out,
        &[
            token.digit_count(),
            transaction.binding().bits(),
            transaction.channel.number(),
            len_byte(merchant),
            len_byte(key),
            len_byte(proof),
        ],
    );
    append(out, proof);
    append(out, merchant);
    append(out, key);
}
