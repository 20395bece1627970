//! The way to the engine: connections of the client, shared by all requests.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::client::{Client, ClientError};
use crate::vault::trace::Step;
use crate::wire::{Opcode, Status};

/// How long an answer may take. The engine's own take a millisecond.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long nobody asks an engine that has not answered in time.
const REST: Duration = Duration::from_millis(500);
/// Connections kept while nobody uses them.
const KEPT: usize = 64;

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The engine refused.
    #[error("the engine refuses: {}", .0.says())]
    Refused(Status),
    /// The engine is not there, sealed, too slow, or takes nothing new on. Whether what
    /// was asked is done is not known; asked again with the same key it is done once.
    #[error("the engine does not answer")]
    Away,
}

impl EngineError {
    /// The status, if the engine refused.
    #[must_use]
    pub const fn status(&self) -> Option<Status> {
        match self {
            Self::Refused(status) => Some(*status),
            Self::Away => None,
        }
    }
}

/// Connections to the engine.
#[derive(Debug)]
pub struct Engine {
    socket: PathBuf,
    idle: Mutex<Vec<Client<UnixStream>>>,
    began: Instant,
    /// Milliseconds since `began` until which it is left alone.
    rests_until: AtomicU64,
}

impl Engine {
    /// Nothing is connected before something is asked.
    #[must_use]
    pub fn at(socket: PathBuf) -> Self {
        let idle = Mutex::new(Vec::new());
        Self { socket, idle, began: Instant::now(), rests_until: AtomicU64::new(0) }
    }

    /// Asks, and asks again on a new connection if one turns out to be closed, as when
    /// the engine is replaced. So what is asked must have an idempotency key, or change
    /// nothing.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn ask<T>(
        &self,
        asked: impl Fn(&mut Client<UnixStream>) -> Result<T, ClientError>,
    ) -> Result<T, EngineError> {
        if self.millis() < self.rests_until.load(Ordering::Relaxed) {
            return Err(EngineError::Away);
        }
        let mut step = Step::of_engine();
        let until = Instant::now() + PATIENCE;
        loop {
            let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connected = kept.map_or_else(|| self.connect(), Ok);
            let is_over = Instant::now() >= until;
            let mut client = match connected {
                Ok(client) => client,
                Err(error) if !is_over && is_stale(&error) => continue,
                Err(error) => return Err(self.told(&error)),
            };
            let answer = asked(&mut client);
            step.asked(client.last_asked().map(Opcode::name), answer.as_ref().err().map(ClientError::status));
            match answer {
                Err(error) if !is_over && is_stale(&error) => {}
                Err(ClientError::Refused(status, _)) => {
                    self.keep(client);
                    return Err(told_by(status));
                }
                Err(error) => return Err(self.told(&error)),
                Ok(answer) => {
                    self.keep(client);
                    return Ok(answer);
                }
            }
        }
    }

    fn connect(&self) -> Result<Client<UnixStream>, ClientError> {
        let stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Client::over(stream, "tally-vault")
    }

    fn keep(&self, client: Client<UnixStream>) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT && client.under_way() == 0 {
            idle.push(client);
        }
    }

    /// After silence the engine is left alone for a moment, so that it does not keep
    /// every request waiting in turn.
    fn told(&self, error: &ClientError) -> EngineError {
        if let ClientError::Io(io) = error
            && matches!(io.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
        {
            let rest = u64::try_from(REST.as_millis()).unwrap_or(u64::MAX);
            self.rests_until.fetch_max(self.millis().saturating_add(rest), Ordering::Relaxed);
        }
        match error.status() {
            Some(status) => told_by(status),
            None => EngineError::Away,
        }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// Whether the other end is gone, as after a restart of the engine.
fn is_stale(error: &ClientError) -> bool {
    match error {
        ClientError::Closed | ClientError::Broken | ClientError::GoneAway => true,
        ClientError::Io(io) => {
            matches!(io.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof)
        }
        _ => false,
    }
}

/// Refusals for which the request is not to blame mean that the engine is away.
const fn told_by(status: Status) -> EngineError {
    // 0x06: the service itself (`docs/WIRE.md`).
    if status.code() >> 8 == 0x06
        || matches!(status, Status::RateLimited | Status::HoldLimit | Status::EntryLimit)
    {
        EngineError::Away
    } else {
        EngineError::Refused(status)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::wire::{FrameWriter, PROTOCOL, Welcome};

    /// Reads a frame and answers it in this way.
    fn answer(stream: &mut UnixStream, opcode: Opcode, status: Status, id: u64) {
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let mut rest = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        stream.read_exact(&mut rest).unwrap();
        let mut out = Vec::new();
        let frame = FrameWriter::begin(&mut out, opcode.number(), status.code(), id);
        if opcode == Opcode::Hello && status == Status::Ok {
            Welcome { version: PROTOCOL, frame: 65_536, in_flight: 16, server: "test".to_owned() }
                .encode(&mut out);
        }
        frame.finish(&mut out);
        stream.write_all(&out).unwrap();
    }

    #[test]
    fn an_engine_that_says_goodbye_is_followed_by_the_next_and_nobody_notices() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("tallyd.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let engines = std::thread::spawn(move || {
            // One goes at a request, one at a HELLO, and one just closes.
            let mut stream = listener.accept().unwrap().0;
            answer(&mut stream, Opcode::Hello, Status::Ok, 1);
            answer(&mut stream, Opcode::Ping, Status::Ok, 2);
            answer(&mut stream, Opcode::Hello, Status::GoingAway, 0);
            drop(stream);
            answer(&mut listener.accept().unwrap().0, Opcode::Hello, Status::GoingAway, 0);
            answer(&mut listener.accept().unwrap().0, Opcode::Hello, Status::Ok, 1);
            let mut stream = listener.accept().unwrap().0;
            answer(&mut stream, Opcode::Hello, Status::Ok, 1);
            answer(&mut stream, Opcode::Ping, Status::Ok, 2);
        });
        let engine = Engine::at(socket);
        engine.ask(|client| client.ping()).unwrap();
        engine.ask(|client| client.ping()).unwrap();
        engines.join().unwrap();
        assert!(matches!(engine.ask(|client| client.ping()), Err(EngineError::Away)), "nobody is left");
    }
}
