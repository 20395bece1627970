//! ISSUE and ISSUE_SHORT.

use super::{Cursor, Head, Keyed, idempotency, len_byte};
use crate::command::Issue;
use crate::types::{IdempotencyKey, Merchant};
use crate::wire::buffer::append;
use crate::wire::{Fault, Status};

pub(in crate::wire) fn decode_issue(body: &[u8]) -> Result<Keyed<'_, Issue<'_>>, Fault> {
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

pub(in crate::wire) fn encode_issue(out: &mut Vec<u8>, issue: &Issue<'_>, key: Option<IdempotencyKey<'_>>) {
    let transaction = &issue.transaction;
    let merchant = transaction.merchant.map_or(&[][..], Merchant::as_bytes);
    let key = key.map_or(&[][..], IdempotencyKey::as_bytes);
    Head::write(out, issue.token, issue.trid, transaction);
    append(
        out,
        &[
            issue.token.digit_count(),
            transaction.binding().bits(),
            transaction.channel.number(),
            len_byte(merchant),
            len_byte(key),
            0,
        ],
    );
    append(out, merchant);
    append(out, key);
}
