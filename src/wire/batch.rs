//! Many issues or verifications in one frame: count u16, then for each a length
//! u16 and the single body. The reply: count u16, then for each a status u16, a
//! length u16 and the single reply's body.

use super::message::decode_request;
use super::{Fault, Opcode, Status, encode_command};
use crate::command::{Command, Request};

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

/// Appends the body of a batch of issues or of verifications, at most 1,024.
pub fn encode_batch(out: &mut Vec<u8>, commands: &[Command<'_>]) {
    out.extend_from_slice(&length(commands.len()));
    for command in commands {
        let start = out.len();
        out.extend_from_slice(&[0; 2]);
        encode_command(out, command, None);
        let written = length(out.len() - start - 2);
        if let Some(field) = out.get_mut(start..).and_then(|rest| rest.first_chunk_mut::<2>()) {
            *field = written;
        }
    }
}

/// Reads the reply of a batch: for each item its status and body.
#[derive(Debug)]
pub struct BatchAnswers<'a> {
    rest: &'a [u8],
    left: u16,
}

impl<'a> BatchAnswers<'a> {
    /// Reads the count.
    ///
    /// # Errors
    /// [`Status::BodyTruncated`].
    pub fn read(body: &'a [u8]) -> Result<Self, Fault> {
        let (left, rest) = split_u16(body)?;
        Ok(Self { rest, left })
    }

    fn one(&mut self) -> Result<(Status, &'a [u8]), Fault> {
        let (status, rest) = split_u16(self.rest)?;
        let (length, rest) = split_u16(rest)?;
        let (body, rest) = rest.split_at_checked(usize::from(length)).ok_or(Status::BodyTruncated)?;
        self.rest = rest;
        Ok((Status::from_code(status).ok_or(Status::BodyMalformed)?, body))
    }
}

impl<'a> Iterator for BatchAnswers<'a> {
    type Item = Result<(Status, &'a [u8]), Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let one = self.one();
        if one.is_err() {
            self.left = 0;
        }
        Some(one)
    }
}

fn split_u16(bytes: &[u8]) -> Result<(u16, &[u8]), Fault> {
    let (head, rest) = bytes.split_first_chunk::<2>().ok_or(Status::BodyTruncated)?;
    Ok((u16::from_be_bytes(*head), rest))
}

/// A length or count of two bytes; a batch of 1,024 small bodies stays below it.
fn length(count: usize) -> [u8; 2] {
    u16::try_from(count).unwrap_or(u16::MAX).to_be_bytes()
}
