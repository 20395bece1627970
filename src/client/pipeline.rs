//! Requests out, answers in, many at a time.
//!
//! A client that only wrote could fill both socket buffers while the daemon
//! waits for it to read, and both would wait for ever. So no more is left
//! unanswered than the agreed number of requests and [`UNANSWERED`] bytes of
//! them; past that, submitting first takes in what has been answered.

use std::collections::VecDeque;
use std::io::{Read, Write};

use zeroize::{Zeroize, Zeroizing};

use super::ClientError;
use crate::command::{Command, Reply};
use crate::types::IdempotencyKey;
use crate::wire::{
    Arrival, BatchAnswers, Fault, FrameWriter, Hello, Intake, Opcode, Status, Welcome, decode_reply,
    encode_batch, encode_command,
};

/// Most bytes of requests left unanswered, well below a socket's buffer.
const UNANSWERED: usize = 98_304;
/// Bytes collected before they are written.
const WRITE_AT: usize = 32_768;

/// A client of the daemon.
pub struct Client<S> {
    stream: S,
    intake: Intake,
    out: Zeroizing<Vec<u8>>,
    next_id: u64,
    /// Ids, opcodes and sizes of what waits for its answer, in order.
    waiting: VecDeque<(u64, Opcode, usize)>,
    unanswered: usize,
    ready: VecDeque<Answer>,
    frame: usize,
    in_flight: usize,
}

/// An answer. Its bytes are wiped on drop.
#[derive(Debug)]
pub struct Answer {
    /// The id of the request.
    pub id: u64,
    opcode: Opcode,
    status: u16,
    body: Zeroizing<Vec<u8>>,
}

impl<S: Read + Write> Client<S> {
    /// Says HELLO over a stream and takes what the daemon agrees to.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn over(stream: S, name: &str) -> Result<Self, ClientError> {
        let hello = Hello::ours(name);
        let mut client = Self {
            stream,
            intake: Intake::new(hello.frame),
            out: Zeroizing::new(Vec::with_capacity(2 * WRITE_AT)),
            next_id: 1,
            waiting: VecDeque::new(),
            unanswered: 0,
            ready: VecDeque::new(),
            frame: usize::try_from(hello.frame).unwrap_or(usize::MAX),
            in_flight: 1,
        };
        client.submit_body(Opcode::Hello, |out| hello.encode(out))?;
        let welcome = Welcome::decode(client.receive()?.body()?)?;
        client.frame = usize::try_from(welcome.frame).unwrap_or(usize::MAX);
        client.in_flight = usize::try_from(welcome.in_flight).unwrap_or(1).max(1);
        Ok(client)
    }

    /// Most requests that may wait for their answers.
    #[must_use]
    pub const fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Requests that wait for their answers, those not yet taken included.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.waiting.len() + self.ready.len()
    }

    /// Puts a request on its way and returns its id. It is written when enough
    /// has come together, or when an answer is waited for.
    ///
    /// # Errors
    /// [`ClientError::Io`] or [`ClientError::TooLarge`].
    pub fn submit(
        &mut self,
        command: &Command<'_>,
        key: Option<IdempotencyKey<'_>>,
    ) -> Result<u64, ClientError> {
        self.submit_body(Opcode::of(command.operation()), |out| encode_command(out, command, key))
    }

    /// Puts a request without a body on its way.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub fn submit_empty(&mut self, opcode: Opcode) -> Result<u64, ClientError> {
        self.submit_body(opcode, |_| {})
    }

    /// Puts a batch of issues, or else of verifications, on its way.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub fn submit_batch(&mut self, commands: &[Command<'_>]) -> Result<u64, ClientError> {
        let issues = matches!(commands.first(), Some(Command::Issue(_)));
        let opcode = if issues { Opcode::IssueBatch } else { Opcode::VerifyBatch };
        self.submit_body(opcode, |out| encode_batch(out, commands))
    }

    /// Writes what was submitted.
    ///
    /// # Errors
    /// [`ClientError::Io`].
    pub fn flush(&mut self) -> Result<(), ClientError> {
        let written = self.stream.write_all(&self.out);
        self.out.as_mut_slice().zeroize();
        self.out.clear();
        Ok(written?)
    }

    /// Takes the next answer; answers come in the order of their requests.
    ///
    /// # Errors
    /// [`ClientError::Closed`] or [`ClientError::Io`];
    /// [`ClientError::Protocol`] if nothing waits for an answer.
    pub fn receive(&mut self) -> Result<Answer, ClientError> {
        loop {
            if let Some(answer) = self.ready.pop_front() {
                return Ok(answer);
            }
            if self.waiting.is_empty() {
                return Err(ClientError::Protocol("no request waits for an answer"));
            }
            self.flush()?;
            self.take_in()?;
        }
    }

    /// The stream below.
    pub const fn stream(&self) -> &S {
        &self.stream
    }

    fn submit_body(&mut self, opcode: Opcode, body: impl FnOnce(&mut Vec<u8>)) -> Result<u64, ClientError> {
        while self.waiting.len() >= self.in_flight || self.unanswered >= UNANSWERED {
            self.flush()?;
            self.take_in()?;
        }
        let start = self.out.len();
        let id = self.next_id;
        let frame = FrameWriter::begin(&mut self.out, opcode.number(), 0, id);
        body(&mut self.out);
        frame.finish(&mut self.out);
        let size = self.out.len() - start;
        if size > self.frame {
            self.out.truncate(start);
            return Err(ClientError::TooLarge);
        }
        self.next_id += 1;
        self.unanswered += size;
        self.waiting.push_back((id, opcode, size));
        if self.out.len() >= WRITE_AT {
            self.flush()?;
        }
        Ok(id)
    }

    /// Reads once and sorts what has arrived.
    fn take_in(&mut self) -> Result<(), ClientError> {
        let count = match self.stream.read(self.intake.space()) {
            Ok(0) => return Err(ClientError::Closed),
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        self.intake.filled(count);
        let mut arrivals = Vec::new();
        let parsed = self.intake.arrivals(usize::MAX, &mut arrivals);
        for arrival in arrivals {
            let Arrival::Frame(frame) = arrival else {
                return Err(ClientError::Protocol("a reply of a wrong size"));
            };
            let Some((id, opcode, size)) = self.waiting.pop_front() else {
                return Err(ClientError::Protocol("a reply that nothing waits for"));
            };
            // A peer that is refused at the door is told so before it asks: id 0.
            if frame.id != id && frame.id != 0 {
                return Err(ClientError::Protocol("a reply out of order"));
            }
            self.unanswered -= size;
            let body = Zeroizing::new(frame.body.to_vec());
            self.ready.push_back(Answer { id, opcode, status: frame.status, body });
        }
        self.intake.consume(parsed);
        Ok(())
    }
}

impl Answer {
    /// Whether it is of this request.
    ///
    /// # Errors
    /// [`ClientError::Protocol`].
    pub fn expect(self, id: u64) -> Result<Self, ClientError> {
        if self.id == id { Ok(self) } else { Err(ClientError::Protocol("answers were left untaken")) }
    }

    /// The status.
    ///
    /// # Errors
    /// [`ClientError::Refused`] unless it is `Ok`.
    pub fn status(&self) -> Result<(), ClientError> {
        match Status::from_code(self.status) {
            Some(Status::Ok) => Ok(()),
            Some(status) => Err(ClientError::Refused(Fault::decode(status, &self.body))),
            None => Err(ClientError::Protocol("a status that does not exist")),
        }
    }

    /// The body of an `Ok`.
    ///
    /// # Errors
    /// As [`status`](Self::status).
    pub fn body(&self) -> Result<&[u8], ClientError> {
        self.status().map(|()| self.body.as_slice())
    }

    /// The engine's reply.
    ///
    /// # Errors
    /// As [`status`](Self::status); [`ClientError::Body`].
    pub fn reply(&self) -> Result<Reply, ClientError> {
        Ok(decode_reply(self.opcode, self.body()?)?)
    }

    /// The replies of a batch.
    ///
    /// # Errors
    /// As [`reply`](Self::reply).
    pub fn batch(&self) -> Result<Vec<Result<Reply, Status>>, ClientError> {
        let single = if self.opcode == Opcode::IssueBatch { Opcode::Issue } else { Opcode::Verify };
        BatchAnswers::read(self.body()?)?
            .map(|answer| match answer? {
                (Status::Ok, body) => Ok(Ok(decode_reply(single, body)?)),
                (status, _) => Ok(Err(status)),
            })
            .collect()
    }
}
