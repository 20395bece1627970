//! Bodies read and written again.

use tallystick::command::{Command, Issue, Request, Verify};
use tallystick::types::IdempotencyKey;
use tallystick::wire::{
    BackupBegun, ControlReply, CustodyReport, Fault, Hello, Message, Opcode, Status, StatusReport, Welcome,
    begin_batch_reply, decode_backup_piece, decode_batch_reply, decode_message, decode_metrics, decode_reply,
    encode_backup_piece, encode_batch_item, encode_command, encode_issue_batch, encode_metrics, encode_reply,
    encode_verify_batch,
};

/// Reads the body of a request and writes it again.
pub fn request_again(opcode: Opcode, body: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    if opcode == Opcode::Hello {
        Hello::decode(body)?.encode(&mut out);
        return Ok(out);
    }
    match decode_message(opcode, body)? {
        Message::Ping | Message::Status | Message::Metrics | Message::BackupBegin | Message::BackupNext => {}
        Message::Control(control) => {
            assert_eq!(control.opcode(), opcode);
            control.encode(&mut out);
        }
        Message::Custody(custody) => {
            assert_eq!(custody.opcode(), opcode);
            custody.encode(&mut out);
        }
        Message::Engine(request) => {
            assert_eq!(request.body, body);
            assert_eq!(Opcode::of(request.command.operation()), opcode);
            encode_command(&mut out, &request.command, request.idempotency);
        }
        Message::Batch(items) if opcode == Opcode::IssueBatch => {
            let items = items.into_iter().map(|item| item.map(issue)).collect::<Result<Vec<_>, _>>()?;
            encode_issue_batch(&mut out, &items)?;
        }
        Message::Batch(items) => {
            let items = items.into_iter().map(|item| item.map(verify)).collect::<Result<Vec<_>, _>>()?;
            encode_verify_batch(&mut out, &items)?;
        }
    }
    Ok(out)
}

fn issue(request: Request<'_>) -> (Issue<'_>, Option<IdempotencyKey<'_>>) {
    let Command::Issue(issue) = request.command else { panic!("no issue in a batch of issues") };
    (issue, request.idempotency)
}

fn verify(request: Request<'_>) -> (Verify<'_>, Option<IdempotencyKey<'_>>) {
    let Command::Verify(verify) = request.command else { panic!("no verification in a batch of them") };
    (verify, request.idempotency)
}

/// Reads the body of a reply and writes it again.
pub fn reply_again(opcode: Opcode, status: Status, body: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    if status != Status::Ok {
        if let Some(text) = Fault::text(body) {
            let (field, says) = text.split_once(": ").unwrap();
            assert_eq!(says, status.says());
            Fault::of_field(status, field.to_owned().leak()).encode(&mut out);
        }
        return Ok(out);
    }
    match opcode {
        Opcode::Hello => Welcome::decode(body)?.encode(&mut out),
        Opcode::Ping if body.is_empty() => {}
        Opcode::Ping => return Err(Status::BodyTrailing.into()),
        Opcode::IssueBatch | Opcode::VerifyBatch => {
            let answers = decode_batch_reply(opcode, body)?;
            begin_batch_reply(&mut out, answers.len());
            for answer in answers {
                encode_batch_item(&mut out, |out| match answer {
                    Ok(reply) => {
                        encode_reply(out, &reply);
                        Status::Ok
                    }
                    Err(status) => status,
                });
            }
        }
        Opcode::Status => StatusReport::decode(body)?.encode(&mut out),
        Opcode::BackupBegin => BackupBegun::decode(body)?.encode(&mut out),
        Opcode::BackupNext => encode_backup_piece(&mut out, decode_backup_piece(body)?),
        opcode if opcode.is_control() => ControlReply::decode(opcode, body)?.encode(&mut out),
        opcode if opcode.is_custody() => CustodyReport::decode(body)?.encode(&mut out),
        Opcode::Metrics => encode_metrics(&mut out, &decode_metrics(body)?),
        _ => encode_reply(&mut out, &decode_reply(opcode, body)?),
    }
    Ok(out)
}
