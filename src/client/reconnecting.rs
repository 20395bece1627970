//! A client that goes on with the next daemon when one is stopped or dies.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Answer, Client, ClientError};
use crate::command::{Command, Reply};
use crate::types::IdempotencyKey;

/// How long it waits before it connects again where nobody listens.
const PAUSE: Duration = Duration::from_millis(10);

/// A client of whichever daemon serves a socket, for one thread.
///
/// When a connection ends, it connects again and sends again what has no answer:
///
/// - everything, if the daemon said goodbye ([`ClientError::GoneAway`]): then what
///   it has not answered was not done;
/// - else what has an idempotency key, which is never done twice, and what changes
///   nothing stored. What has no key and may be done is answered
///   [`ClientError::Unknown`].
///
/// So a daemon that is stopped in order and replaced is not noticed. Handles of held
/// cards and sessions' keys are in a daemon's memory only and end with it.
#[derive(Debug)]
pub struct Reconnecting {
    socket: PathBuf,
    name: String,
    patience: Duration,
    client: Option<Client<UnixStream>>,
    connections: u64,
}

/// A request and its idempotency key, if it has one.
pub type Asked<'a> = (Command<'a>, Option<IdempotencyKey<'a>>);

/// What is known of a request.
enum Stand {
    /// No daemon can have seen it.
    Unsent,
    /// It was put on its way and not answered.
    Sent,
    Answered(Result<Reply, ClientError>),
}

impl Reconnecting {
    /// A client of whoever listens at `socket`; it connects when something is asked.
    /// `name` is for the daemon's log: 1 to 64 printable characters. `patience`, more
    /// than zero, is how long a daemon may be away or an answer may take.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>, name: &str, patience: Duration) -> Self {
        Self { socket: socket.into(), name: name.to_owned(), patience, client: None, connections: 0 }
    }

    /// Asks the engine and waits for its answer.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the daemon's status; [`ClientError::Unknown`];
    /// [`ClientError::Away`], or why there is no answer.
    pub fn call(
        &mut self,
        command: &Command<'_>,
        key: Option<IdempotencyKey<'_>>,
    ) -> Result<Reply, ClientError> {
        let answers = self.call_each(&[(command, key)]);
        answers.into_iter().next().unwrap_or(Err(ClientError::NothingUnderWay))
    }

    /// Asks all of these, as many at a time as were agreed on, and waits for their
    /// answers, given in the order of what was asked. They are decided in that order.
    ///
    /// # Errors
    /// Each as [`call`](Self::call).
    pub fn call_all(&mut self, asked: &[Asked<'_>]) -> Vec<Result<Reply, ClientError>> {
        let asked: Vec<_> = asked.iter().map(|(command, key)| (command, *key)).collect();
        self.call_each(&asked)
    }

    /// How often it has connected.
    #[must_use]
    pub const fn connections(&self) -> u64 {
        self.connections
    }

    fn call_each(
        &mut self,
        asked: &[(&Command<'_>, Option<IdempotencyKey<'_>>)],
    ) -> Vec<Result<Reply, ClientError>> {
        let mut stands: Vec<Stand> = asked.iter().map(|_| Stand::Unsent).collect();
        let (mut until, mut open) = (Instant::now() + self.patience, asked.len());
        while let Err(error) = self.ask_open(asked, &mut stands) {
            self.client = None;
            settle(asked, &mut stands, &error);
            let still = stands.iter().filter(|stand| !matches!(stand, Stand::Answered(_))).count();
            if still < open {
                (until, open) = (Instant::now() + self.patience, still);
            }
            if !may_pass(&error) || Instant::now() >= until {
                give_up(&mut stands, &error);
                break;
            }
            if !matches!(error, ClientError::GoneAway) {
                std::thread::sleep(PAUSE);
            }
        }
        stands.into_iter().map(Stand::answer).collect()
    }

    /// Sends what has no answer yet on one connection, and takes the answers.
    fn ask_open(
        &mut self,
        asked: &[(&Command<'_>, Option<IdempotencyKey<'_>>)],
        stands: &mut [Stand],
    ) -> Result<(), ClientError> {
        let mut waiting = HashMap::new();
        let client = self.connected()?;
        let sent = send(client, asked, stands, &mut waiting);
        // What came in before the connection ended is an answer like any other.
        let ended = sent.and_then(|()| take_all(client, stands, &mut waiting));
        if ended.is_err() {
            while client.has_answers() {
                take_one(client, stands, &mut waiting)?;
            }
        }
        ended
    }

    /// A connection that was not closed while nobody asked anything.
    fn connected(&mut self) -> Result<&mut Client<UnixStream>, ClientError> {
        let kept = self.client.take().filter(|client| client.under_way() == 0 && is_silent(client.stream()));
        let client = match kept {
            Some(client) => client,
            None => self.connect()?,
        };
        Ok(self.client.insert(client))
    }

    fn connect(&mut self) -> Result<Client<UnixStream>, ClientError> {
        let stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(self.patience))?;
        stream.set_write_timeout(Some(self.patience))?;
        let client = Client::over(stream, &self.name)?;
        self.connections += 1;
        Ok(client)
    }
}

type Waiting = HashMap<u64, usize>;

fn send(
    client: &mut Client<UnixStream>,
    asked: &[(&Command<'_>, Option<IdempotencyKey<'_>>)],
    stands: &mut [Stand],
    waiting: &mut Waiting,
) -> Result<(), ClientError> {
    for (at, (command, key)) in asked.iter().enumerate() {
        if stands.get(at).is_none_or(|stand| matches!(stand, Stand::Answered(_))) {
            continue;
        }
        while !client.has_room() {
            take_one(client, stands, waiting)?;
        }
        let submitted = client.submit(command, *key);
        let stand = stands.get_mut(at);
        match (submitted, stand) {
            (Ok(id), Some(stand)) => {
                *stand = Stand::Sent;
                waiting.insert(id, at);
            }
            (Err(error @ ClientError::Request(_)), Some(stand)) => *stand = Stand::Answered(Err(error)),
            (Err(error), _) => return Err(error),
            (Ok(_), None) => {}
        }
    }
    Ok(())
}

fn take_all(
    client: &mut Client<UnixStream>,
    stands: &mut [Stand],
    waiting: &mut Waiting,
) -> Result<(), ClientError> {
    while client.under_way() > 0 {
        take_one(client, stands, waiting)?;
    }
    Ok(())
}

fn take_one(
    client: &mut Client<UnixStream>,
    stands: &mut [Stand],
    waiting: &mut Waiting,
) -> Result<(), ClientError> {
    let (id, answer) = client.receive()?;
    let stand = waiting.remove(&id).and_then(|at| stands.get_mut(at));
    let stand = stand.ok_or(ClientError::Protocol("an answer that nothing waits for"))?;
    *stand = Stand::Answered(answer.and_then(|answer| match answer {
        Answer::Reply(reply) => Ok(reply),
        _ => Err(ClientError::Protocol("another reply than asked for")),
    }));
    Ok(())
}

/// After a connection has ended in this way: what may be sent again is as if it had not
/// been; what may not is answered.
fn settle(asked: &[(&Command<'_>, Option<IdempotencyKey<'_>>)], stands: &mut [Stand], error: &ClientError) {
    for ((command, key), stand) in asked.iter().zip(stands) {
        if matches!(stand, Stand::Sent) {
            let harmless = key.is_some() || !command.operation().is_changing();
            *stand = if harmless || matches!(error, ClientError::GoneAway) {
                Stand::Unsent
            } else {
                Stand::Answered(Err(ClientError::Unknown))
            };
        }
    }
}

/// Answers with an error what has no answer.
fn give_up(stands: &mut [Stand], error: &ClientError) {
    for stand in stands.iter_mut().filter(|stand| !matches!(stand, Stand::Answered(_))) {
        *stand = Stand::Answered(Err(match error {
            ClientError::Refused(status, text) => ClientError::Refused(*status, text.clone()),
            ClientError::Protocol(what) => ClientError::Protocol(what),
            other => ClientError::Away(other.to_string()),
        }));
    }
}

/// Whether another daemon, or the same a moment later, may answer.
fn may_pass(error: &ClientError) -> bool {
    match error {
        ClientError::Closed | ClientError::Broken | ClientError::GoneAway => true,
        ClientError::Io(io) => matches!(
            io.kind(),
            ErrorKind::BrokenPipe
                | ErrorKind::ConnectionReset
                | ErrorKind::ConnectionRefused
                | ErrorKind::NotFound
                | ErrorKind::UnexpectedEof
        ),
        _ => false,
    }
}

/// Whether nothing has come, not even the end: nothing is under way, so what has come
/// is a goodbye.
fn is_silent(stream: &UnixStream) -> bool {
    let mut fds = [PollFd::new(stream, PollFlags::IN)];
    matches!(poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })), Ok(0))
}

impl Stand {
    fn answer(self) -> Result<Reply, ClientError> {
        match self {
            Self::Answered(answer) => answer,
            Self::Unsent | Self::Sent => Err(ClientError::NothingUnderWay),
        }
    }
}
