//! Frames: length u32 | opcode u16 | status or flags u16 | request id u64 | body.

use std::fmt;

use super::Status;
use super::buffer::{append, cut};

/// Bytes of the length field, which counts what follows it.
pub const LENGTH: usize = 4;
/// Bytes between the length field and the body.
pub const HEADER: usize = 12;
/// Where the status stands in a frame.
const STATUS_AT: usize = LENGTH + 2;

/// A frame, borrowed from where it was received. Its body may hold a PAN.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The opcode's number.
    pub opcode: u16,
    /// The status of a reply; of a request the flags, all reserved.
    pub status: u16,
    /// The request's id, chosen by the client; ids grow on a connection.
    pub id: u64,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads what follows a length field; none if it is shorter than a header.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, body) = bytes.split_first_chunk::<HEADER>()?;
        let [a, b, c, d, id @ ..] = *header;
        let (opcode, status) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        Some(Self { opcode, status, id: u64::from_be_bytes(id), body })
    }
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { opcode, status, id, body } = self;
        write!(f, "Frame(opcode {opcode:#06x}, status {status:#06x}, id {id}, {} bytes)", body.len())
    }
}

/// Appends one frame to a buffer; the length is filled in at the end.
#[derive(Debug)]
#[must_use = "a frame that is not finished has no length"]
pub struct FrameWriter {
    start: usize,
}

impl FrameWriter {
    /// Writes the header. The body is then appended to the same buffer, with
    /// [`append`](super::append) where it may hold a PAN.
    pub fn begin(out: &mut Vec<u8>, opcode: u16, status: u16, id: u64) -> Self {
        let start = out.len();
        let ([a, b], [c, d]) = (opcode.to_be_bytes(), status.to_be_bytes());
        let [e, f, g, h, i, j, k, l] = id.to_be_bytes();
        let header: [u8; LENGTH + HEADER] = [0, 0, 0, 0, a, b, c, d, e, f, g, h, i, j, k, l];
        append(out, &header);
        Self { start }
    }

    /// Fills in the length.
    pub fn finish(self, out: &mut [u8]) {
        let length = out.len().saturating_sub(self.start + LENGTH);
        // A body is bounded by its operation, far below 4 GiB.
        let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
        if let Some(field) = out.get_mut(self.start..).and_then(|rest| rest.first_chunk_mut::<LENGTH>()) {
            *field = length;
        }
    }

    /// Takes the body away from the reply that begins at `start` in a buffer of
    /// replies, wiped, and gives it another status.
    pub fn withhold(out: &mut Vec<u8>, start: usize, status: Status) {
        let body = start.saturating_add(LENGTH + HEADER);
        let Some(length) = out.get(start..).and_then(<[u8]>::first_chunk::<LENGTH>) else { return };
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let end = start.saturating_add(LENGTH).saturating_add(length).min(out.len());
        if body > end {
            return;
        }
        out.copy_within(end.., body);
        let left = out.len() - (end - body);
        cut(out, left);
        let fields = u32::try_from(HEADER).unwrap_or(0).to_be_bytes().into_iter();
        if let Some(header) = out.get_mut(start..).and_then(<[u8]>::first_chunk_mut::<{ STATUS_AT + 2 }>) {
            header.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
            header.iter_mut().skip(STATUS_AT).zip(status.code().to_be_bytes()).for_each(|(slot, byte)| {
                *slot = byte;
            });
        }
    }

    /// Fills in the length of a reply, if the frame has at most `largest` bytes.
    /// If not, its body is cut away, its status becomes
    /// [`Status::ReplyTooLarge`], and the answer is `false`.
    #[must_use]
    pub fn finish_within(self, out: &mut Vec<u8>, largest: u32) -> bool {
        let size = u64::try_from(out.len().saturating_sub(self.start)).unwrap_or(u64::MAX);
        let fits = size <= u64::from(largest);
        if !fits {
            cut(out, self.start + LENGTH + HEADER);
            if let Some(status) = out.get_mut(self.start + STATUS_AT..).and_then(<[u8]>::first_chunk_mut::<2>)
            {
                *status = Status::ReplyTooLarge.code().to_be_bytes();
            }
        }
        self.finish(out);
        fits
    }

    /// Takes back everything of the frame, and wipes it.
    pub fn abandon(self, out: &mut Vec<u8>) {
        cut(out, self.start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_that_does_not_fit_becomes_a_refusal() {
        for (body, fits) in [(16, true), (17, false)] {
            let mut out = vec![9; 5];
            let frame = FrameWriter::begin(&mut out, 0x22, 0, 7);
            append(&mut out, &vec![1; body]);
            assert_eq!(frame.finish_within(&mut out, 32), fits);
            let parsed = Frame::parse(&out[5 + LENGTH..]).unwrap();
            let (status, left) = if fits { (Status::Ok, body) } else { (Status::ReplyTooLarge, 0) };
            assert_eq!((parsed.status, parsed.id, parsed.body.len()), (status.code(), 7, left));
            assert_eq!(usize::from(out[5 + LENGTH - 1]), HEADER + left);
        }
    }

    #[test]
    fn an_abandoned_frame_leaves_nothing() {
        let mut out = vec![9; 5];
        let frame = FrameWriter::begin(&mut out, 0x22, 0, 7);
        append(&mut out, b"4111111111111111");
        frame.abandon(&mut out);
        assert_eq!(out, [9; 5]);
    }

    #[test]
    fn debug_shows_no_body() {
        let frame = Frame { opcode: 0x20, status: 0, id: 3, body: b"4111111111111111" };
        assert_eq!(format!("{frame:?}"), "Frame(opcode 0x0020, status 0x0000, id 3, 16 bytes)");
    }
}
