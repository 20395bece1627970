//! Connecting, and agreeing on version and limits.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::{Answer, Client, ClientError};
use crate::wire::{Hello, LEAST_FRAME, PROTOCOL};

impl Client<UnixStream> {
    /// Connects to a daemon's socket and agrees with it on version and limits.
    /// `name` is for the daemon's log: 1 to 64 printable characters.
    ///
    /// # Errors
    /// [`ClientError::Io`], or [`ClientError::Refused`] if the daemon does not
    /// know this process, has too many connections or speaks another version.
    pub fn connect(path: &Path, name: &str) -> Result<Self, ClientError> {
        Self::over(UnixStream::connect(path)?, name)
    }

    /// Limits how long a read and a write may wait; none waits for ever.
    ///
    /// # Errors
    /// [`ClientError::Io`], also for a timeout of zero.
    pub fn set_timeouts(&self, read: Option<Duration>, write: Option<Duration>) -> Result<(), ClientError> {
        self.stream().set_read_timeout(read)?;
        self.stream().set_write_timeout(write)?;
        Ok(())
    }
}

impl<S: Read + Write> Client<S> {
    /// Says HELLO over a stream, with the default limits.
    ///
    /// # Errors
    /// As [`hello`](Self::hello).
    pub fn over(stream: S, name: &str) -> Result<Self, ClientError> {
        Self::hello(stream, &Hello::ours(name))
    }

    /// Says this HELLO over a stream and takes what the daemon agrees to.
    ///
    /// # Errors
    /// [`ClientError`]; the stream is then closed.
    pub fn hello(stream: S, hello: &Hello) -> Result<Self, ClientError> {
        let mut client = Self::new(stream, hello.frame);
        client.submit_hello(hello)?;
        let (_, answer) = client.receive()?;
        let Answer::Welcome(welcome) = answer? else {
            return Err(ClientError::Protocol("something else than WELCOME"));
        };
        let asked =
            welcome.frame <= hello.frame.max(LEAST_FRAME) && welcome.in_flight <= hello.in_flight.max(1);
        if welcome.version != PROTOCOL || !asked || welcome.in_flight == 0 {
            return Err(ClientError::Protocol("a WELCOME to more than was asked for"));
        }
        client.agree(*welcome);
        Ok(client)
    }
}
