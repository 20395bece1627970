//! The lines of a file that holds PANs, through one buffer that is wiped.

use std::io::{ErrorKind, Read, Result};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Most bytes of a line.
pub const LONGEST: usize = 1024;
/// Small where it is fuzzed: wiping it takes most of the time, and it is to run over.
const BUFFER: usize = if cfg!(fuzzing) { 2048 } else { 65_536 };

/// Reads lines and digests what it reads.
pub struct Lines<R> {
    source: R,
    buffer: Zeroizing<Vec<u8>>,
    /// What was read and not handed out: from here,
    start: usize,
    /// to here.
    end: usize,
    /// The number of the line handed out last.
    number: u64,
    digest: Sha256,
    over: bool,
}

/// A line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'b> {
    /// Its number, from 1.
    pub number: u64,
    /// Its bytes; none if it is longer than [`LONGEST`].
    pub text: Option<&'b [u8]>,
}

impl<R: Read> Lines<R> {
    /// The lines of a source.
    pub fn new(source: R) -> Self {
        let buffer = Zeroizing::new(vec![0; BUFFER]);
        Self { source, buffer, start: 0, end: 0, number: 0, digest: Sha256::new(), over: false }
    }

    /// The next line, whatever it holds; none at the end.
    ///
    /// # Errors
    /// What the source says.
    #[allow(clippy::should_implement_trait, reason = "a line borrows the buffer")]
    pub fn next(&mut self) -> Result<Option<Line<'_>>> {
        let mut too_long = false;
        let (start, end) = loop {
            let waiting = self.waiting();
            let (len, begun) = (waiting.len(), !waiting.is_empty() || too_long);
            if let Some(at) = waiting.iter().position(|byte| *byte == b'\n') {
                let start = self.start;
                self.start += at + 1;
                break (start, start + at);
            }
            if self.over && !begun {
                return Ok(None);
            }
            if self.over {
                let start = self.start;
                self.start = self.end;
                break (start, self.end);
            }
            if len > LONGEST {
                too_long = true;
                self.start = self.end;
            }
            self.fill()?;
        };
        self.number += 1;
        let text = self.buffer.get(start..end).filter(|text| !too_long && text.len() <= LONGEST);
        Ok(Some(Line { number: self.number, text }))
    }

    /// The SHA-256 of all that was read: of the whole file after its last line.
    pub fn digest(&self) -> [u8; 32] {
        self.digest.clone().finalize().into()
    }

    fn waiting(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads more behind what waits, which is never more than a line.
    fn fill(&mut self) -> Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let count = loop {
            match self.source.read(room) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.digest.update(room.get(..count).unwrap_or_default());
        self.over = count == 0;
        self.end += count;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads so many bytes at a time.
    struct Dribble<'b>(&'b [u8], usize);

    impl Read for Dribble<'_> {
        fn read(&mut self, room: &mut [u8]) -> Result<usize> {
            let count = self.1.min(room.len());
            self.0.read(&mut room[..count])
        }
    }

    fn all(bytes: &[u8], step: usize) -> (Vec<Option<Vec<u8>>>, [u8; 32]) {
        let mut lines = Lines::new(Dribble(bytes, step));
        let mut seen = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            assert_eq!(line.number, u64::try_from(seen.len()).unwrap() + 1);
            seen.push(line.text.map(<[u8]>::to_vec));
        }
        (seen, lines.digest())
    }

    proptest! {
        #[test]
        fn however_it_is_read_the_lines_are_those_of_the_file(
            parts in prop::collection::vec((0..3 * LONGEST, any::<u8>()), 0..90),
            step in prop_oneof![1..40usize, Just(BUFFER)],
            ended in any::<bool>(),
        ) {
            let mut bytes = Vec::new();
            for (len, byte) in &parts {
                // Most lines are short.
                let len = if byte % 4 == 0 { *len } else { len % 40 };
                bytes.extend(std::iter::repeat_n(byte | 0x40, len));
                bytes.push(b'\n');
            }
            if !ended {
                bytes.pop();
            }
            let mut expected: Vec<_> = bytes.split(|byte| *byte == b'\n').collect();
            if expected.last().is_some_and(|last| last.is_empty()) {
                expected.pop();
            }
            let expected = expected.into_iter().map(|line| (line.len() <= LONGEST).then(|| line.to_vec()));
            let (seen, digest) = all(&bytes, step);
            prop_assert_eq!(seen, expected.collect::<Vec<_>>());
            prop_assert_eq!(digest, <[u8; 32]>::from(Sha256::digest(&bytes)));
        }
    }

    #[test]
    fn limits() {
        let exact = [b'x'; LONGEST];
        assert_eq!(all(&exact, 7).0, [Some(exact.to_vec())]);
        assert_eq!(all(&[b'x'; LONGEST + 1], 7).0, [None]);
        assert_eq!(all(&[b'x'; 3 * BUFFER], BUFFER).0, [None]);
        assert_eq!(all(b"", 7).0, []);
        assert_eq!(all(b"\n", 7).0, [Some(vec![])]);
    }
}
