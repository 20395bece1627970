//! Requests out.

use std::io::{ErrorKind, Read, Write};

use super::{Client, Window};
use crate::client::ClientError;
use crate::command::{Command, Issue, Verify};
use crate::types::IdempotencyKey;
use crate::wire::{Fault, FrameWriter, Hello, Opcode, Status, cut, encode_command};

impl<S: Read + Write> Client<S> {
    /// Puts a request on its way and returns its id; ids grow. It is written by
    /// [`flush`](Self::flush), when enough has come together, or when an answer is
    /// waited for. If the request may change something and be asked again, give
    /// it an idempotency key.
    ///
    /// # Errors
    /// [`ClientError::Full`] or [`ClientError::Request`]: nothing was submitted;
    /// [`ClientError::Io`] or [`ClientError::Broken`].
    pub fn submit(
        &mut self,
        command: &Command<'_>,
        key: Option<IdempotencyKey<'_>>,
    ) -> Result<u64, ClientError> {
        self.submit_body(Opcode::of(command.operation()), |out| {
            encode_command(out, command, key);
            Ok(())
        })
    }

    /// Puts an issue on its way, as [`submit`](Self::submit) does.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub fn submit_issue(
        &mut self,
        issue: &Issue<'_>,
        key: Option<IdempotencyKey<'_>>,
    ) -> Result<u64, ClientError> {
        self.submit(&Command::Issue(*issue), key)
    }

    /// Puts a verification on its way, as [`submit`](Self::submit) does.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub fn submit_verify(
        &mut self,
        verify: &Verify<'_>,
        key: Option<IdempotencyKey<'_>>,
    ) -> Result<u64, ClientError> {
        self.submit(&Command::Verify(*verify), key)
    }

    /// Puts a PING on its way, as [`submit`](Self::submit) does.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub fn submit_ping(&mut self) -> Result<u64, ClientError> {
        self.submit_empty(Opcode::Ping)
    }

    /// Writes what was submitted. If more is unanswered than the socket can hold,
    /// answers are read first and kept for [`receive`](Self::receive).
    ///
    /// # Errors
    /// [`ClientError::Io`], [`ClientError::Closed`], [`ClientError::Protocol`]
    /// or [`ClientError::Broken`].
    pub fn flush(&mut self) -> Result<(), ClientError> {
        self.flush_front(self.out.len())
    }

    pub(in crate::client) fn submit_empty(&mut self, opcode: Opcode) -> Result<u64, ClientError> {
        self.submit_body(opcode, |_| Ok(()))
    }

    pub(in crate::client) fn submit_hello(&mut self, hello: &Hello) -> Result<u64, ClientError> {
        self.submit_body(Opcode::Hello, |out| {
            hello.encode(out);
            Ok(())
        })
    }

    pub(in crate::client) fn submit_body(
        &mut self,
        opcode: Opcode,
        body: impl FnOnce(&mut Vec<u8>) -> Result<(), Fault>,
    ) -> Result<u64, ClientError> {
        self.check()?;
        if !self.has_room() {
            return Err(ClientError::Full);
        }
        let id = self.last_id.saturating_add(1);
        let start = self.out.len();
        let frame = FrameWriter::begin(&mut self.out, opcode.number(), 0, id);
        let done = body(&mut self.out);
        let size = self.out.len() - start;
        let fits = u64::try_from(size).is_ok_and(|size| size <= u64::from(self.agreed.frame));
        if let Err(fault) = done.and(if fits { Ok(()) } else { Err(Status::FrameTooLarge.into()) }) {
            frame.abandon(&mut self.out);
            return Err(ClientError::Request(fault));
        }
        frame.finish(&mut self.out);
        if !Window::may_join(size, start)
            && let Err(error) = self.flush_front(start)
        {
            let len = self.out.len();
            cut(&mut self.out, len - size);
            return Err(error);
        }
        self.last_id = id;
        self.last_asked = Some(opcode);
        self.window.queue(id, opcode, size, self.out.len() - size);
        Ok(id)
    }

    /// Writes the first `front` bytes that wait, all of whole frames.
    fn flush_front(&mut self, front: usize) -> Result<(), ClientError> {
        if front == 0 {
            return Ok(());
        }
        while !self.window.may_write() {
            self.take_in()?;
        }
        self.check()?;
        let waiting = self.out.get(..front).unwrap_or_default();
        let written = self.stream.write_all(waiting).and_then(|()| self.stream.flush());
        let rest = self.out.len() - front;
        self.out.copy_within(front.., 0);
        cut(&mut self.out, rest);
        self.window.wrote();
        let Err(error) = written else { return Ok(()) };
        // Whoever reads no more may have said why, behind its last answers.
        let hung_up = matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset);
        let last = hung_up.then(|| self.take_in_the_rest());
        // How much of a failed write went out is not known, nor where a next frame would begin.
        self.broken = true;
        Err(last.filter(|last| matches!(last, ClientError::GoneAway)).unwrap_or_else(|| error.into()))
    }
}
