//! A connection as frames: what is put into a buffer goes out at once, what comes in is
//! taken frame by frame, within limits of size and time.

mod connector;
mod login;
mod stream;
mod tls;

pub(super) use connector::Connector;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use postgres_protocol::message::backend::{Header, Message};

use super::fault::{Fault, SqlState};
use login::Login;
use stream::Stream;

/// The largest message that is taken; a journal row is far smaller.
const LARGEST: usize = 64 << 20;
/// The largest message of a server that has not proved itself.
const LARGEST_OF_A_STRANGER: usize = 16 << 10;
/// What a server whose part is played may take: more than it ever does.
const PLAYED: Duration = Duration::from_secs(5);
/// Bytes asked of the system at once.
const CHUNK: usize = 64 << 10;

/// A connection.
pub(super) struct Wire {
    stream: Stream,
    out: BytesMut,
    read: BytesMut,
    largest: usize,
    /// How long to wait for something to come or go.
    wait: Duration,
    /// When the whole exchange must be over, if it must.
    until: Option<Instant>,
    warned: bool,
}

impl Wire {
    fn new(stream: Stream, wait: Duration) -> Self {
        let (out, read) = (BytesMut::new(), BytesMut::new());
        Self { stream, out, read, largest: LARGEST_OF_A_STRANGER, wait, until: None, warned: false }
    }

    /// Logs in over a stream, within `wait`, with a server that then has `later` for each answer.
    fn log_in(stream: Stream, wait: Duration, later: Duration, login: &Login<'_>) -> Result<Self, Fault> {
        let mut wire = Self::new(stream, later);
        wire.set_deadline(Instant::now().checked_add(wait));
        login::login(&mut wire, login)?;
        wire.largest = LARGEST;
        wire.set_deadline(None);
        Ok(wire)
    }

    /// Logs in over a stream whose other end says what somebody else wants it to.
    pub(super) fn over(stream: UnixStream) -> Result<Self, Fault> {
        let login = Login {
            user: "u",
            database: "d",
            password: Some(&b"p".to_vec().into()),
            turn_timeout: PLAYED,
            known_otherwise: true,
        };
        Self::log_in(Stream::Unix(stream), PLAYED, PLAYED, &login)
    }

    /// What is sent next is written here.
    pub(super) fn out(&mut self) -> &mut BytesMut {
        &mut self.out
    }

    /// Gives the exchanges that follow until `until`.
    pub(super) fn set_deadline(&mut self, until: Option<Instant>) {
        self.until = until;
    }

    /// Whether the server warned of something since this was last asked.
    pub(super) fn take_warning(&mut self) -> bool {
        std::mem::take(&mut self.warned)
    }

    /// Sends what was written.
    pub(super) fn send(&mut self) -> Result<(), Fault> {
        self.stream.set_timeout(self.time()?)?;
        self.stream.write_all(&self.out)?;
        self.stream.flush()?;
        self.out.clear();
        Ok(())
    }

    /// The next message that answers something; an error of the server is one of ours.
    pub(super) fn receive(&mut self) -> Result<Message, Fault> {
        loop {
            match self.message()? {
                Message::ErrorResponse(body) => return Err(Fault::Server(SqlState::of(body.fields()))),
                Message::NoticeResponse(body) => self.warned |= stream::is_warning(body.fields()),
                Message::ParameterStatus(body) => {
                    let standby =
                        matches!(body.name(), Ok("in_hot_standby" | "default_transaction_read_only"));
                    if standby && body.value().is_ok_and(|value| value == "on") {
                        return Err(Fault::Standby);
                    }
                }
                Message::NotificationResponse(_) => {}
                message => return Ok(message),
            }
        }
    }

    fn message(&mut self) -> Result<Message, Fault> {
        loop {
            if let Some(header) = Header::parse(&self.read).map_err(|_| MALFORMED)? {
                let length = usize::try_from(header.len()).map_err(|_| MALFORMED)?.saturating_add(1);
                if length > self.largest {
                    return Err(Fault::Protocol("a message is too large"));
                }
                if self.read.len() >= length {
                    let message = Message::parse(&mut self.read).map_err(|_| MALFORMED)?;
                    return message.ok_or(MALFORMED);
                }
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Result<(), Fault> {
        self.stream.set_timeout(self.time()?)?;
        let held = self.read.len();
        self.read.resize(held + CHUNK, 0);
        let room = self.read.get_mut(held..).unwrap_or_default();
        let read = self.stream.read(room);
        self.read.truncate(held + read.as_ref().map_or(0, |read| *read));
        match read {
            Ok(0) => Err(Fault::Lost(std::io::ErrorKind::UnexpectedEof)),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// How long the next call of the system may take.
    fn time(&self) -> Result<Duration, Fault> {
        let left = self.until.map(|until| until.saturating_duration_since(Instant::now()));
        match left {
            Some(Duration::ZERO) => Err(Fault::Lost(std::io::ErrorKind::TimedOut)),
            Some(left) => Ok(left.min(self.wait)),
            None => Ok(self.wait),
        }
    }
}

const MALFORMED: Fault = Fault::Protocol("a message is malformed");
