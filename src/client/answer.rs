//! A reply, read.

use secrecy::SecretSlice;

use super::ClientError;
use crate::command::Reply;
use crate::wire::{
    BackupBegun, ControlReply, CustodyReport, Fault, Frame, Opcode, Status, StatusReport, Welcome,
    decode_backup_piece, decode_batch_reply, decode_metrics, decode_reply,
};

/// What the daemon answered to a request that it did not refuse.
#[derive(Debug)]
pub enum Answer {
    /// What was agreed on in the beginning.
    Welcome(Box<Welcome>),
    /// There and back.
    Pong,
    /// The engine's reply.
    Reply(Reply),
    /// The replies of a batch, in the order of its items.
    Batch(Vec<Result<Reply, Status>>),
    /// What the daemon is and how it is.
    Status(Box<StatusReport>),
    /// Metrics in the OpenMetrics text format.
    Metrics(String),
    /// A backup has begun.
    Backup(BackupBegun),
    /// A piece of it; none at its end.
    Piece(Option<Vec<u8>>),
    /// How the custody of the keys stands.
    Custody(Box<CustodyReport>),
    /// What was answered about what two admins must agree on.
    Control(Box<ControlReply>),
    /// A body as it came, to a request that was given as one.
    Body(SecretSlice<u8>),
}

impl Answer {
    /// Reads the reply to a request with `opcode`.
    pub(super) fn read(opcode: Opcode, frame: &Frame<'_>) -> Result<Self, ClientError> {
        Self::checked(frame)?;
        Self::read_body(opcode, frame.body).map_err(ClientError::Body)
    }

    /// The reply as it came.
    pub(super) fn keep(frame: &Frame<'_>) -> Result<Self, ClientError> {
        Self::checked(frame)?;
        Ok(Self::Body(frame.body.to_vec().into()))
    }

    fn checked(frame: &Frame<'_>) -> Result<(), ClientError> {
        match Status::from_code(frame.status) {
            Some(Status::Ok) => Ok(()),
            Some(status) => Err(ClientError::Refused(status, Fault::text(frame.body).map(str::to_owned))),
            None => Err(ClientError::UnknownStatus(frame.status)),
        }
    }

    fn read_body(opcode: Opcode, body: &[u8]) -> Result<Self, Fault> {
        Ok(match opcode {
            Opcode::Hello => Self::Welcome(Box::new(Welcome::decode(body)?)),
            Opcode::Ping if body.is_empty() => Self::Pong,
            Opcode::Ping => return Err(Status::BodyTrailing.into()),
            Opcode::IssueBatch | Opcode::VerifyBatch => Self::Batch(decode_batch_reply(opcode, body)?),
            Opcode::Status => Self::Status(Box::new(StatusReport::decode(body)?)),
            Opcode::Metrics => Self::Metrics(decode_metrics(body)?),
            Opcode::BackupBegin => Self::Backup(BackupBegun::decode(body)?),
            Opcode::BackupNext => Self::Piece(decode_backup_piece(body)?.map(<[u8]>::to_vec)),
            opcode if opcode.is_control() => Self::Control(Box::new(ControlReply::decode(opcode, body)?)),
            opcode if opcode.is_custody() => Self::Custody(Box::new(CustodyReport::decode(body)?)),
            _ => Self::Reply(decode_reply(opcode, body)?),
        })
    }
}
