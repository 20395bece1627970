//! A request's body as a message, and a command as a request's body.

use super::batch::decode_batch;
use super::{Control, Custody, Fault, Opcode, Status, cold, hot};
use crate::command::{Command, IssueShort, Request};
use crate::types::IdempotencyKey;

/// What a request asks, after HELLO.
#[derive(Debug)]
pub enum Message<'a> {
    /// Nothing but an answer.
    Ping,
    /// Something of the engine.
    Engine(Request<'a>),
    /// Many things of the engine; each has its own answer.
    Batch(Vec<Result<Request<'a>, Fault>>),
    /// What the daemon is and how it is.
    Status,
    /// Metrics.
    Metrics,
    /// A backup begins.
    BackupBegin,
    /// Its next piece.
    BackupNext,
    /// Something of the keeper of the keys.
    Custody(Custody<'a>),
    /// Something that two admins must agree on.
    Control(Control<'a>),
}

/// Reads the body of a request.
///
/// # Errors
/// [`Fault`] of the first thing wrong. Nothing of the body is in it.
pub fn decode_message(opcode: Opcode, body: &[u8]) -> Result<Message<'_>, Fault> {
    match opcode {
        Opcode::Hello => Err(Status::HelloRepeated.into()),
        Opcode::Ping => empty(body, Message::Ping),
        Opcode::Status => empty(body, Message::Status),
        Opcode::Metrics => empty(body, Message::Metrics),
        Opcode::BackupBegin => empty(body, Message::BackupBegin),
        Opcode::BackupNext => empty(body, Message::BackupNext),
        opcode if opcode.is_control() => Control::decode(opcode, body).map(Message::Control),
        opcode if opcode.is_custody() => Custody::decode(opcode, body).map(Message::Custody),
        Opcode::IssueBatch => decode_batch(body, Opcode::Issue).map(Message::Batch),
        Opcode::VerifyBatch => decode_batch(body, Opcode::Verify).map(Message::Batch),
        _ => decode_request(opcode, body).map(Message::Engine),
    }
}

/// Reads the body of one engine request.
pub(super) fn decode_request(opcode: Opcode, body: &[u8]) -> Result<Request<'_>, Fault> {
    let (command, idempotency) = match opcode {
        Opcode::Issue => hot::decode_issue(body).map(|(issue, key)| (Command::Issue(issue), key))?,
        Opcode::Verify => hot::decode_verify(body).map(|(verify, key)| (Command::Verify(verify), key))?,
        Opcode::IssueShort => {
            hot::decode_issue(body).map(|(issue, key)| (Command::IssueShort(IssueShort(issue)), key))?
        }
        Opcode::VerifyShort => {
            hot::decode_verify_short(body).map(|(verify, key)| (Command::VerifyShort(verify), key))?
        }
        _ => cold::decode(opcode, body)?,
    };
    Ok(Request { command, idempotency, body })
}

/// Appends the body of a command's request; the opcode is that of its operation.
/// The buffer may then hold a PAN: the caller wipes it.
pub fn encode_command(out: &mut Vec<u8>, command: &Command<'_>, key: Option<IdempotencyKey<'_>>) {
    match command {
        Command::Issue(issue) => hot::encode_issue(out, issue, key),
        Command::IssueShort(issue) => hot::encode_issue(out, &issue.0, key),
        Command::Verify(verify) => hot::encode_verify(out, verify, key),
        Command::VerifyShort(verify) => hot::encode_verify_short(out, verify, key),
        _ => cold::encode(out, command, key),
    }
}

fn empty<'a>(body: &[u8], message: Message<'a>) -> Result<Message<'a>, Fault> {
    if body.is_empty() { Ok(message) } else { Err(Status::BodyTrailing.into()) }
}
