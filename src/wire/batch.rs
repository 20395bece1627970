//! Many issues or verifications in one frame: count u16, then for each a length
//! u16 and the single body. The reply: count u16, then for each a status u16, a
//! length u16 and the single reply's body.

use super::buffer::append;
use super::message::decode_request;
use super::reply::decode_reply;
use super::{Fault, Opcode, Status, hot};
use crate::command::{Issue, Reply, Request, Verify};
use crate::types::IdempotencyKey;

/// Most items of a batch.
pub const MAX_BATCH: usize = 1024;

/// Reads a batch. Items that cannot be read have a fault of their own; the batch
/// as a whole has one only if its items cannot be told apart.
pub(super) fn decode_batch(body: &[u8], opcode: Opcode) -> Result<Vec<Result<Request<'_>, Fault>>, Fault> {
    let (count, mut rest) = split_u16(body)?;
    if count == 0 || usize::from(count) > MAX_BATCH {
        return Err(Status::BatchSize.into());
    }
    let mut items = Vec::with_capacity(usize::from(count));
    for _ in 0..count {
        let (length, after) = split_u16(rest)?;
        let (item, after) = after.split_at_checked(usize::from(length)).ok_or(Status::BodyTruncated)?;
        items.push(decode_request(opcode, item));
        rest = after;
    }
    if rest.is_empty() { Ok(items) } else { Err(Status::BodyTrailing.into()) }
}

/// Appends the body of a batch of issues, each with its idempotency key if any.
///
/// # Errors
/// [`Status::BatchSize`] unless there are 1 to 1,024; nothing is appended then.
pub fn encode_issue_batch(
    out: &mut Vec<u8>,
    items: &[(Issue<'_>, Option<IdempotencyKey<'_>>)],
) -> Result<(), Fault> {
    encode_batch(out, items, |out, (issue, key)| hot::encode_issue(out, issue, *key))
}

/// Appends the body of a batch of verifications, each with its idempotency key
/// if any.
///
/// # Errors
/// [`Status::BatchSize`] unless there are 1 to 1,024; nothing is appended then.
pub fn encode_verify_batch(
    out: &mut Vec<u8>,
    items: &[(Verify<'_>, Option<IdempotencyKey<'_>>)],
) -> Result<(), Fault> {
    encode_batch(out, items, |out, (verify, key)| hot::encode_verify(out, verify, *key))
}

fn encode_batch<T>(out: &mut Vec<u8>, items: &[T], one: impl Fn(&mut Vec<u8>, &T)) -> Result<(), Fault> {
    if !(1..=MAX_BATCH).contains(&items.len()) {
        return Err(Status::BatchSize.into());
    }
    append(out, &length(items.len()));
    for item in items {
        let start = out.len();
        append(out, &[0; 2]);
        one(out, item);
        let written = length(out.len() - start - 2);
        if let Some(field) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
            *field = written;
        }
    }
    Ok(())
}

/// Appends the count that the body of a batch's reply begins with.
pub fn begin_batch_reply(out: &mut Vec<u8>, items: usize) {
    append(out, &length(items));
}

/// Appends one item to the body of a batch's reply: what `body` appends, and the
/// status that it returns.
pub fn encode_batch_item(out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>) -> Status) {
    const HEAD: usize = 4;
    let start = out.len();
    append(out, &[0; HEAD]);
    let [a, b] = body(out).code().to_be_bytes();
    let [c, d] = length(out.len() - start - HEAD);
    if let Some(head) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut) {
        *head = [a, b, c, d];
    }
}

/// Reads the body of a successful reply to a batch: for each item its reply or
/// the status it was refused with.
///
/// # Errors
/// [`Fault`] if it is not of that form, and [`Status::UnknownOpcode`] unless
/// `opcode` is one of a batch.
pub fn decode_batch_reply(opcode: Opcode, body: &[u8]) -> Result<Vec<Result<Reply, Status>>, Fault> {
    let single = match opcode {
        Opcode::IssueBatch => Opcode::Issue,
        Opcode::VerifyBatch => Opcode::Verify,
        _ => return Err(Status::UnknownOpcode.into()),
    };
    let (count, mut rest) = split_u16(body)?;
    let mut answers = Vec::with_capacity(usize::from(count).min(MAX_BATCH));
    for _ in 0..count {
        let (status, after) = split_u16(rest)?;
        let (length, after) = split_u16(after)?;
        let (body, after) = after.split_at_checked(usize::from(length)).ok_or(Status::BodyTruncated)?;
        answers.push(match Status::from_code(status).ok_or(Status::BodyMalformed)? {
            Status::Ok => Ok(decode_reply(single, body)?),
            refused => Err(refused),
        });
        rest = after;
    }
    if rest.is_empty() { Ok(answers) } else { Err(Status::BodyTrailing.into()) }
}

fn split_u16(bytes: &[u8]) -> Result<(u16, &[u8]), Fault> {
    let (head, rest) = bytes.split_first_chunk::<2>().ok_or(Status::BodyTruncated)?;
    Ok((u16::from_be_bytes(*head), rest))
}

/// A length or count of two bytes; a body of fixed layout stays below 400 bytes.
fn length(count: usize) -> [u8; 2] {
    u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes()
}
