//! The fixed layouts of issue and verify, and of their short forms.
//!
//! Reading and writing them allocates nothing.

mod issue;
mod verify;

pub(super) use issue::{decode_issue, encode_issue};
pub(super) use verify::{decode_verify, decode_verify_short, encode_verify, encode_verify_short};

use super::buffer::append;
use super::{Fault, Status};
use crate::types::{
    Amount, Binding, Channel, Currency, IdempotencyKey, Merchant, TokenNumber, Transaction, Trid,
    UnpredictableNumber,
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
        append(out, &token.value().to_be_bytes());
        append(out, &trid.value().to_be_bytes());
        append(out, &units.to_be_bytes());
        append(out, &transaction.unpredictable.map_or([0; 4], |number| number.0));
        append(out, &currency.to_be_bytes());
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
