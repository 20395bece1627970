//! Backups: how one begins, and its pieces.

use super::buffer::append;
use super::{Fault, Status};

/// What a backup holds that has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupBegun {
    /// The epoch of the daemon.
    pub epoch: u64,
    /// The newest transaction group in it.
    pub group: u64,
    /// About how many bytes it has.
    pub bytes: u64,
}

impl BackupBegun {
    /// Appends the body: three integers of 8 bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        for number in [self.epoch, self.group, self.bytes] {
            append(out, &number.to_be_bytes());
        }
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`Status::BodyTruncated`] or [`Status::BodyTrailing`].
    pub fn decode(body: &[u8]) -> Result<Self, Fault> {
        let (epoch, rest) = number(body)?;
        let (group, rest) = number(rest)?;
        let (bytes, rest) = number(rest)?;
        if !rest.is_empty() {
            return Err(Status::BodyTrailing.into());
        }
        Ok(Self { epoch, group, bytes })
    }
}

/// Appends the body of a piece: 0 at the end, else 1, its length (4) and its bytes.
pub fn encode_backup_piece(out: &mut Vec<u8>, piece: Option<&[u8]>) {
    append(out, &[u8::from(piece.is_some())]);
    if let Some(piece) = piece {
        // Far below 4 GiB: it fits a frame.
        append(out, &u32::try_from(piece.len()).unwrap_or(u32::MAX).to_be_bytes());
        append(out, piece);
    }
}

/// Reads the body of a piece; none at the end.
///
/// # Errors
/// [`Status::BodyTruncated`], [`Status::BodyTrailing`] or [`Status::BodyMalformed`].
pub fn decode_backup_piece(body: &[u8]) -> Result<Option<&[u8]>, Fault> {
    let (kind, rest) = body.split_first().ok_or(Status::BodyTruncated)?;
    let (piece, rest) = match kind {
        0 => (None, rest),
        1 => {
            let (length, rest) = rest.split_first_chunk().ok_or(Status::BodyTruncated)?;
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            let (piece, rest) = rest.split_at_checked(length).ok_or(Status::BodyTruncated)?;
            (Some(piece), rest)
        }
        _ => return Err(Status::BodyMalformed.into()),
    };
    if rest.is_empty() { Ok(piece) } else { Err(Status::BodyTrailing.into()) }
}

fn number(bytes: &[u8]) -> Result<(u64, &[u8]), Fault> {
    let (number, rest) = bytes.split_first_chunk().ok_or(Status::BodyTruncated)?;
    Ok((u64::from_be_bytes(*number), rest))
}
