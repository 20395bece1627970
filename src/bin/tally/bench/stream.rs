//! The stream below a measured client.

use std::cell::Cell;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

use rustix::net::{RecvFlags, recv};
use tallystick::client::{Client, ClientError};

use crate::output::Failure;

/// A stream that knows when it last read something, so that one look at the
/// clock serves all answers of a read, and that can be told not to wait.
pub struct Timed {
    stream: UnixStream,
    read_at: Instant,
    waits: Cell<bool>,
}

impl Timed {
    /// When the last read returned.
    pub const fn read_at(&self) -> Instant {
        self.read_at
    }

    /// Whether a read waits for something to arrive.
    pub fn set_waits(&self, waits: bool) {
        self.waits.set(waits);
    }
}

/// Connects to a socket and says HELLO.
pub fn connect(socket: &Path) -> Result<Client<Timed>, Failure> {
    let told = |error: ClientError| Failure::new(format!("{}: {error}", socket.display()));
    let stream = UnixStream::connect(socket).map_err(|error| told(error.into()))?;
    let timed = Timed { stream, read_at: Instant::now(), waits: Cell::new(true) };
    Client::over(timed, concat!("tally ", env!("CARGO_PKG_VERSION"))).map_err(told)
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let flags = if self.waits.get() { RecvFlags::empty() } else { RecvFlags::DONTWAIT };
        let (count, _) = recv(&self.stream, into, flags)?;
        self.read_at = Instant::now();
        Ok(count)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.stream.flush()
    }
}

impl AsFd for Timed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}
