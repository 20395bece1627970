//! The client: blocking, pipelining, over any stream. A vault reaches the engine
//! through this or through any other program that keeps `docs/WIRE.md`.

mod error;
mod pipeline;

pub use error::ClientError;
pub use pipeline::{Answer, Client};

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use crate::command::{Command, Issue, Issued, Reply, TokenView, Verified, Verify};
use crate::types::{IdempotencyKey, TokenNumber};
use crate::wire::{Opcode, Status, StatusReport, decode_metrics};

impl Client<UnixStream> {
    /// Connects to a daemon's socket and agrees with it on version and limits.
    ///
    /// # Errors
    /// [`ClientError::Io`], or [`ClientError::Refused`] if the daemon does not
    /// know this process or speaks another version.
    pub fn connect(path: &Path, name: &str) -> Result<Self, ClientError> {
        Self::over(UnixStream::connect(path)?, name)
    }

    /// Limits how long a read or write may wait; none waits for ever.
    ///
    /// # Errors
    /// [`ClientError::Io`].
    pub fn set_timeout(&mut self, timeout: Option<Duration>) -> Result<(), ClientError> {
        self.stream().set_read_timeout(timeout)?;
        self.stream().set_write_timeout(timeout)?;
        Ok(())
    }
}

impl<S: Read + Write> Client<S> {
    /// Asks the engine and waits for its answer.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the daemon's status, or why it was not asked.
    pub fn call(
        &mut self,
        command: &Command<'_>,
        key: Option<IdempotencyKey<'_>>,
    ) -> Result<Reply, ClientError> {
        let id = self.submit(command, key)?;
        let answer = self.receive()?;
        answer.expect(id)?.reply()
    }

    /// Does nothing but go there and back.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn ping(&mut self) -> Result<(), ClientError> {
        self.ask(Opcode::Ping)?.status()
    }

    /// What the daemon is and how it is; on the admin socket only.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn status(&mut self) -> Result<StatusReport, ClientError> {
        let answer = self.ask(Opcode::Status)?;
        Ok(StatusReport::decode(answer.body()?)?)
    }

    /// Metrics in the OpenMetrics text format; on the admin socket only.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn metrics(&mut self) -> Result<String, ClientError> {
        let answer = self.ask(Opcode::Metrics)?;
        Ok(decode_metrics(answer.body()?)?)
    }

    /// Issues a cryptogram.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn issue(
        &mut self,
        issue: Issue<'_>,
        key: Option<IdempotencyKey<'_>>,
    ) -> Result<Issued, ClientError> {
        match self.call(&Command::Issue(issue), key)? {
            Reply::Issued(issued) => Ok(issued),
            _ => Err(ClientError::Protocol("another reply than asked for")),
        }
    }

    /// Verifies a cryptogram and consumes it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn verify(
        &mut self,
        verify: Verify<'_>,
        key: Option<IdempotencyKey<'_>>,
    ) -> Result<Verified, ClientError> {
        match self.call(&Command::Verify(verify), key)? {
            Reply::Verified(verified) => Ok(verified),
            _ => Err(ClientError::Protocol("another reply than asked for")),
        }
    }

    /// Asks something that answers with a token.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn token(
        &mut self,
        command: &Command<'_>,
        key: Option<IdempotencyKey<'_>>,
    ) -> Result<TokenView, ClientError> {
        match self.call(command, key)? {
            Reply::Token(view) => Ok(*view),
            _ => Err(ClientError::Protocol("another reply than asked for")),
        }
    }

    /// Shows a token.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn show(&mut self, token: TokenNumber) -> Result<TokenView, ClientError> {
        self.token(&Command::Show(token), None)
    }

    /// Issues or verifies many at once in one frame; each has its own answer.
    ///
    /// # Errors
    /// [`ClientError`] if the batch as a whole is refused.
    pub fn batch(&mut self, commands: &[Command<'_>]) -> Result<Vec<Result<Reply, Status>>, ClientError> {
        let id = self.submit_batch(commands)?;
        let answer = self.receive()?;
        answer.expect(id)?.batch()
    }

    fn ask(&mut self, opcode: Opcode) -> Result<Answer, ClientError> {
        let id = self.submit_empty(opcode)?;
        self.receive()?.expect(id)
    }
}
