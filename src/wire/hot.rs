//! The fixed layouts of issue and verify, and of their short forms.
//!
//! Reading and writing them allocates nothing.

use super::{Fault, Status};
use crate::command::{Issue, Verify, VerifyShort};
use crate::types::{
    Amount, Binding, Channel, Cryptogram, Currency, Expiry, IdempotencyKey, Merchant, ShortValue,
    TokenNumber, Transaction, Trid, UnpredictableNumber,
};

/// Reads a body from the front.
struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(Status::BodyTruncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn slice(&mut self, len: u8) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.0.split_at_checked(usize::from(len)).ok_or(Status::BodyTruncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Fault> {
        self.array().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Result<u16, Fault> {
        self.array().map(u16::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, Fault> {
        self.array().map(u64::from_be_bytes)
    }

    fn finish(self) -> Result<(), Fault> {
        if self.0.is_empty() { Ok(()) } else { Err(Status::BodyTrailing.into()) }
    }
}

/// The fields that all four layouts begin with.
struct Head {
    token: u64,
    trid: u64,
    amount: u64,
    unpredictable: [u8; 4],
    currency: u16,
}

impl Head {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Fault> {
        Ok(Self {
            token: cursor.u64()?,
            trid: cursor.u64()?,
            amount: cursor.u64()?,
            unpredictable: cursor.array()?,
            currency: cursor.u16()?,
        })
    }

    fn write(out: &mut Vec<u8>, token: TokenNumber, trid: Trid, transaction: &Transaction<'_>) {
        let (units, currency) =
            transaction.amount.map_or((0, 0), |(amount, currency)| (amount.minor_units(), currency.code()));
        out.extend_from_slice(&token.value().to_be_bytes());
        out.extend_from_slice(&trid.value().to_be_bytes());
        out.extend_from_slice(&units.to_be_bytes());
        out.extend_from_slice(&transaction.unpredictable.map_or([0; 4], |number| number.0));
        out.extend_from_slice(&currency.to_be_bytes());
    }

    fn token(&self, digits: u8) -> Result<TokenNumber, Fault> {
        TokenNumber::from_parts(self.token, digits).map_err(|_| Status::TokenMalformed.into())
    }

    fn trid(&self) -> Result<Trid, Fault> {
        Trid::from_value(self.trid).map_err(|_| Status::TridMalformed.into())
    }

    /// The transaction. What the nibble does not name must be zero.
    fn transaction<'a>(
        &self,
        present: u8,
        channel: u8,
        merchant: &'a [u8],
    ) -> Result<Transaction<'a>, Fault> {
        let present = Binding::from_bits(present).map_err(|_| Status::BindingMalformed)?;
        let has = |bit| present.contains(bit);
        let absent_is_zero = (has(Binding::AMOUNT) || (self.amount, self.currency) == (0, 0))
            && (has(Binding::MERCHANT) || merchant.is_empty())
            && (has(Binding::UNPREDICTABLE) || self.unpredictable == [0; 4]);
        if !absent_is_zero {
            return Err(Status::NotCanonical.into());
        }
        let currency = || Currency::from_code(self.currency).map_err(|_| Status::CurrencyMalformed);
        let merchant = || Merchant::parse(merchant).map_err(|_| Status::MerchantMalformed);
        let amount = Amount::from_minor_units(self.amount);
        Ok(Transaction {
            amount: has(Binding::AMOUNT).then(currency).transpose()?.map(|currency| (amount, currency)),
            merchant: has(Binding::MERCHANT).then(merchant).transpose()?,
            unpredictable: has(Binding::UNPREDICTABLE).then_some(UnpredictableNumber(self.unpredictable)),
            merchant_initiated: has(Binding::MERCHANT_INITIATED),
            channel: Channel::from_number(channel).map_err(|_| Status::ChannelMalformed)?,
        })
    }
}

type Keyed<'a, T> = (T, Option<IdempotencyKey<'a>>);

pub(super) fn decode_issue(body: &[u8]) -> Result<Keyed<'_, Issue<'_>>, Fault> {
    let mut cursor = Cursor(body);
    let head = Head::read(&mut cursor)?;
    let [digits, present, channel, merchant_len, key_len, reserved] = cursor.array()?;
    if reserved != 0 {
        return Err(Status::ReservedBits.into());
    }
    let merchant = cursor.slice(merchant_len)?;
    let key = cursor.slice(key_len)?;
    cursor.finish()?;
    let transaction = head.transaction(present, channel, merchant)?;
    Ok((Issue { token: head.token(digits)?, trid: head.trid()?, transaction }, idempotency(key)?))
}

pub(super) fn encode_issue(out: &mut Vec<u8>, issue: &Issue<'_>, key: Option<IdempotencyKey<'_>>) {
    let transaction = &issue.transaction;
    let merchant = transaction.merchant.map_or(&[][..], Merchant::as_bytes);
    let key = key.map_or(&[][..], IdempotencyKey::as_bytes);
    Head::write(out, issue.token, issue.trid, transaction);
    out.extend_from_slice(&[
        issue.token.digit_count(),
        transaction.binding().bits(),
        transaction.channel.number(),
        len_byte(merchant),
        len_byte(key),
        0,
    ]);
    out.extend_from_slice(merchant);
    out.extend_from_slice(key);
}

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

pub(super) fn decode_verify(body: &[u8]) -> Result<Keyed<'_, Verify<'_>>, Fault> {
    let Presented { token, expiry, trid, transaction, proof, key } = decode_presented(body)?;
    let cryptogram = Cryptogram::from_slice(proof).map_err(|_| Status::CryptogramLength)?;
    Ok((Verify { token, expiry, trid, transaction, cryptogram }, key))
}

pub(super) fn decode_verify_short(body: &[u8]) -> Result<Keyed<'_, VerifyShort<'_>>, Fault> {
    let Presented { token, expiry, trid, transaction, proof, key } = decode_presented(body)?;
    let value = ShortValue::parse(proof).map_err(|_| Status::ShortValueMalformed)?;
    Ok((VerifyShort { token, expiry, trid, transaction, value }, key))
}

pub(super) fn encode_verify(out: &mut Vec<u8>, verify: &Verify<'_>, key: Option<IdempotencyKey<'_>>) {
    let proof = verify.cryptogram.as_bytes();
    encode_presented(out, verify.token, verify.expiry, verify.trid, &verify.transaction, proof, key);
}

pub(super) fn encode_verify_short(
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
    out.extend_from_slice(&expiry.value().to_be_bytes());
    out.extend_from_slice(&[
        token.digit_count(),
        transaction.binding().bits(),
        transaction.channel.number(),
        len_byte(merchant),
        len_byte(key),
        len_byte(proof),
    ]);
    out.extend_from_slice(proof);
    out.extend_from_slice(merchant);
    out.extend_from_slice(key);
}

fn idempotency(key: &[u8]) -> Result<Option<IdempotencyKey<'_>>, Fault> {
    if key.is_empty() {
        return Ok(None);
    }
    IdempotencyKey::parse(key).map(Some).map_err(|_| Status::IdempotencyKeyMalformed.into())
}

fn len_byte(bytes: &[u8]) -> u8 {
    // Merchants, keys and proofs have at most 255 bytes by their types.
    u8::try_from(bytes.len()).unwrap_or(u8::MAX)
}
