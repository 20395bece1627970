//! A tap on a socket: the replies' bytes as they came.

use std::cell::RefCell;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use tallystick::wire::{Frame, LENGTH};

/// A socket that keeps what it read until it is asked for.
pub struct Tap {
    stream: UnixStream,
    seen: RefCell<Vec<u8>>,
}

impl Tap {
    pub fn on(stream: UnixStream) -> Self {
        Self { stream, seen: RefCell::default() }
    }

    /// Forgets what was read.
    pub fn clear(&self) {
        self.seen.borrow_mut().clear();
    }

    /// Takes the body of the frame with this id out of what was read.
    pub fn take(&self, id: u64) -> Option<Vec<u8>> {
        let mut seen = self.seen.borrow_mut();
        let mut start = 0;
        loop {
            let length = u32::from_be_bytes(*seen.get(start..)?.first_chunk::<LENGTH>()?);
            let end = start + LENGTH + usize::try_from(length).unwrap();
            let frame = Frame::parse(seen.get(start + LENGTH..end)?)?;
            if frame.id == id {
                let body = frame.body.to_vec();
                seen.drain(start..end);
                return Some(body);
            }
            start = end;
        }
    }
}

impl Read for Tap {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.seen.borrow_mut().extend_from_slice(&buffer[..count]);
        Ok(count)
    }
}

impl Write for Tap {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}
