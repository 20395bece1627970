//! Frames: length u32 | opcode u16 | status or flags u16 | request id u64 | body.

/// Bytes of the length field, which counts what follows it.
pub const LENGTH: usize = 4;
/// Bytes between the length field and the body.
pub const HEADER: usize = 12;

/// A frame, borrowed from where it was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// Appends one frame to a buffer; the length is filled in at the end.
#[derive(Debug)]
#[must_use = "a frame that is not finished has no length"]
pub struct FrameWriter {
    start: usize,
}

impl FrameWriter {
    /// Writes the header. The body is then appended to the same buffer.
    pub fn begin(out: &mut Vec<u8>, opcode: u16, status: u16, id: u64) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; LENGTH]);
        out.extend_from_slice(&opcode.to_be_bytes());
        out.extend_from_slice(&status.to_be_bytes());
        out.extend_from_slice(&id.to_be_bytes());
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
}
