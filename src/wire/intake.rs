//! Received bytes on their way to frames.
//!
//! One buffer of fixed size, so that no copy of a PAN is left behind by growth;
//! what is consumed is wiped. A frame that is too large is skipped as it streams
//! by, so the connection survives it.

use std::fmt;

use super::buffer::wipe;
use super::{Frame, HEADER, LENGTH};

/// Room beyond the largest frame, so that many small ones come in one read.
const ROOM: usize = 196_608;

/// The buffer of one connection.
pub struct Intake {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// Bytes of an oversized frame still to come.
    skip: u64,
    largest: usize,
}

/// What has arrived, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// A whole frame.
    Frame(Frame<'a>),
    /// A frame without a whole header.
    TooShort,
    /// A frame larger than agreed; its body is skipped.
    TooLarge {
        /// Its opcode.
        opcode: u16,
        /// Its request id.
        id: u64,
    },
}

/// How much of the buffer a batch of arrivals took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use = "arrivals that are not consumed arrive again"]
pub struct Parsed {
    consumed: usize,
    skip: u64,
}

impl Intake {
    /// A buffer for frames of at most `largest` bytes, length field included.
    #[must_use]
    pub fn new(largest: u32) -> Self {
        let largest = usize::try_from(largest).unwrap_or(usize::MAX).max(LENGTH + HEADER);
        let buffer = vec![0; largest.saturating_add(ROOM)].into_boxed_slice();
        Self { buffer, start: 0, end: 0, skip: 0, largest }
    }

    /// Takes only frames of at most `largest` bytes from here on, as agreed with
    /// the peer. The buffer stays as it is, so this cannot raise the limit.
    pub fn agree(&mut self, largest: u32) {
        self.largest = usize::try_from(largest).map_or(self.largest, |largest| largest.min(self.largest));
    }

    /// Where to put the next bytes received; never empty.
    pub fn space(&mut self) -> &mut [u8] {
        if self.start > 0 && self.buffer.len() - self.end < ROOM / 2 {
            self.buffer.copy_within(self.start..self.end, 0);
            let kept = self.end - self.start;
            if let Some(moved) = self.buffer.get_mut(kept..self.end) {
                wipe(moved);
            }
            (self.start, self.end) = (0, kept);
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// Says how many bytes were put into [`space`](Self::space).
    pub fn filled(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.buffer.len());
        if self.skip > 0 {
            let held = self.end - self.start;
            let skipped = usize::try_from(self.skip).map_or(held, |skip| skip.min(held));
            self.skip -= u64::try_from(skipped).unwrap_or(0);
            self.let_go(skipped);
        }
    }

    /// The frames that have arrived whole, at most `most`, and what they took.
    /// Hand that to [`consume`](Self::consume) when they are done with.
    pub fn arrivals<'a>(&'a self, most: usize, into: &mut Vec<Arrival<'a>>) -> Parsed {
        let mut rest = self.buffer.get(self.start..self.end).unwrap_or_default();
        let mut parsed = Parsed::default();
        while into.len() < most && parsed.skip == 0 {
            let Some((arrival, size)) = self.next(rest) else { break };
            into.push(arrival);
            let held = size.min(rest.len());
            parsed.consumed += held;
            parsed.skip = u64::try_from(size - held).unwrap_or(u64::MAX);
            rest = rest.get(held..).unwrap_or_default();
        }
        parsed
    }

    /// Wipes and lets go of what was parsed.
    pub fn consume(&mut self, parsed: Parsed) {
        self.let_go(parsed.consumed);
        self.skip = parsed.skip;
    }

    /// Whether part of a frame waits for its rest.
    #[must_use]
    pub const fn is_midway(&self) -> bool {
        self.start < self.end || self.skip > 0
    }

    /// The first arrival of `bytes` and its whole size.
    fn next<'a>(&self, bytes: &'a [u8]) -> Option<(Arrival<'a>, usize)> {
        let (length, rest) = bytes.split_first_chunk::<LENGTH>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
        let size = length.saturating_add(LENGTH);
        if size > self.largest {
            // Wait for the header, to answer with the right id.
            let Frame { opcode, id, .. } = Frame::parse(rest)?;
            return Some((Arrival::TooLarge { opcode, id }, size));
        }
        let frame = rest.get(..length)?;
        Some((Frame::parse(frame).map_or(Arrival::TooShort, Arrival::Frame), size))
    }

    fn let_go(&mut self, count: usize) {
        if let Some(done) = self.buffer.get_mut(self.start..self.start.saturating_add(count)) {
            wipe(done);
        }
        self.start = self.start.saturating_add(count).min(self.end);
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
    }
}

impl fmt::Debug for Intake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Intake({} bytes held, {} to skip)", self.end - self.start, self.skip)
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        wipe(&mut self.buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::super::FrameWriter;
    use super::*;
    use proptest::prelude::*;

    /// What an arrival was, owned.
    type Seen = (Option<(u16, u64, Vec<u8>)>, bool);

    fn feed(stream: &[u8], cuts: &[usize], most: usize) -> (Vec<Seen>, bool) {
        let mut intake = Intake::new(64);
        let (mut seen, mut rest) = (Vec::new(), stream);
        let mut cuts = cuts.iter().cycle();
        while !rest.is_empty() {
            let count = (*cuts.next().unwrap()).clamp(1, rest.len()).min(intake.space().len());
            intake.space()[..count].copy_from_slice(&rest[..count]);
            intake.filled(count);
            rest = &rest[count..];
            loop {
                let mut arrivals = Vec::new();
                let parsed = intake.arrivals(most, &mut arrivals);
                if arrivals.is_empty() {
                    break;
                }
                seen.extend(arrivals.iter().map(|arrival| match arrival {
                    Arrival::Frame(frame) => (Some((frame.opcode, frame.id, frame.body.to_vec())), false),
                    Arrival::TooShort => (None, false),
                    Arrival::TooLarge { opcode, id } => (Some((*opcode, *id, Vec::new())), true),
                }));
                intake.consume(parsed);
            }
        }
        (seen, intake.is_midway())
    }

    fn write(frames: &[(u16, u64, Vec<u8>)]) -> (Vec<u8>, Vec<Seen>) {
        let (mut stream, mut expected) = (Vec::new(), Vec::new());
        for (opcode, id, body) in frames {
            let writer = FrameWriter::begin(&mut stream, *opcode, 0, *id);
            stream.extend_from_slice(body);
            writer.finish(&mut stream);
            let large = LENGTH + HEADER + body.len() > 64;
            let body = if large { Vec::new() } else { body.clone() };
            expected.push((Some((*opcode, *id, body)), large));
        }
        (stream, expected)
    }

    proptest! {
        /// However the stream is cut, the same frames arrive; oversized ones are
        /// told apart and skipped, and none after them is lost.
        #[test]
        fn cutting_changes_nothing(
            frames in prop::collection::vec((any::<u16>(), any::<u64>(), prop::collection::vec(any::<u8>(), 0..200)), 0..12),
            cuts in prop::collection::vec(1usize..80, 1..6),
            most in 1usize..5,
        ) {
            let (stream, expected) = write(&frames);
            prop_assert_eq!(feed(&stream, &cuts, most), (expected, false));
        }

        #[test]
        fn garbage_never_panics(stream in prop::collection::vec(any::<u8>(), 0..400), cut in 1usize..50) {
            feed(&stream, &[cut], 3);
        }
    }

    #[test]
    fn a_short_frame_is_told_and_the_next_arrives() {
        let (whole, mut expected) = write(&[(2, 7, vec![1])]);
        let mut stream = vec![0, 0, 0, 3, 9, 9, 9];
        stream.extend_from_slice(&whole);
        expected.insert(0, (None, false));
        assert_eq!(feed(&stream, &[4], 8), (expected, false));
        assert!(feed(&whole[..whole.len() - 1], &[3], 8).1);
    }

    #[test]
    fn consumed_bytes_are_wiped() {
        let (stream, _) = write(&[(2, 7, b"4111111111111111".to_vec())]);
        let mut intake = Intake::new(64);
        intake.space()[..stream.len()].copy_from_slice(&stream);
        intake.filled(stream.len());
        let mut arrivals = Vec::new();
        let parsed = intake.arrivals(8, &mut arrivals);
        assert_eq!(arrivals.len(), 1);
        drop(arrivals);
        intake.consume(parsed);
        assert!(intake.buffer.iter().all(|byte| *byte == 0));
    }
}
