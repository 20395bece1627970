//! Fields that many requests share, each parsed with a status of its own.

use crate::types::{Expiry, IdempotencyKey, KeyLabel, Pan, PanError, TokenNumber, Trid};
use crate::wire::cbor::{Fields, Key};
use crate::wire::{Fault, Status};

pub(super) fn pan(fields: &mut Fields<'_>, key: Key) -> Result<Pan, Fault> {
    Pan::parse(fields.text(key)?.as_bytes()).map_err(|error| {
        key.fault(match error {
            PanError::Length => Status::PanLength,
            PanError::NotDigits => Status::PanNotDigits,
            PanError::Luhn => Status::PanLuhn,
        })
    })
}

pub(super) fn key_label(fields: &mut Fields<'_>, key: Key) -> Result<KeyLabel, Fault> {
    KeyLabel::parse(fields.text(key)?).map_err(|_| key.fault(Status::KeyLabelMalformed))
}

pub(super) fn token(fields: &mut Fields<'_>, key: Key) -> Result<TokenNumber, Fault> {
    let parsed = TokenNumber::parse(fields.text(key)?.as_bytes());
    parsed.map_err(|_| key.fault(Status::TokenMalformed))
}

pub(super) fn trid(fields: &mut Fields<'_>, key: Key) -> Result<Trid, Fault> {
    let parsed = Trid::parse(fields.text(key)?.as_bytes());
    parsed.map_err(|_| key.fault(Status::TridMalformed))
}

pub(super) fn expiry(fields: &mut Fields<'_>, key: Key) -> Result<Expiry, Fault> {
    let parsed = Expiry::parse(fields.text(key)?.as_bytes());
    parsed.map_err(|_| key.fault(Status::ExpiryMalformed))
}

pub(super) fn idempotency<'b>(
    fields: &mut Fields<'b>,
    key: Key,
) -> Result<Option<IdempotencyKey<'b>>, Fault> {
    let parsed = fields.optional_bytes(key)?.map(IdempotencyKey::parse).transpose();
    parsed.map_err(|_| key.fault(Status::IdempotencyKeyMalformed))
}

pub(super) fn position(fields: &mut Fields<'_>, key: Key) -> Result<Option<u32>, Fault> {
    let position = fields.optional_uint(key)?.map(u32::try_from).transpose();
    position.map_err(|_| key.fault(Status::PositionMalformed))
}

pub(super) fn limit(fields: &mut Fields<'_>, key: Key) -> Result<u8, Fault> {
    let limit = u8::try_from(fields.uint(key)?).ok().filter(|limit| (1..=100).contains(limit));
    limit.ok_or(key.fault(Status::LimitMalformed))
}
