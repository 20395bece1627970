//! A connection that keeps the log: the library's client, with a tap on its
//! socket for the bytes of the replies as they came.

use std::collections::BTreeMap;
mod tap;

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use tallystick::client::{self, Client, ClientError};
use tallystick::command::{Command, Issue, Reply, Verify};
use tallystick::types::IdempotencyKey;
use tallystick::wire::Status;

use crate::ask::{Ask, Digits};
use crate::log::{Answer, Clock, Entry, Key, Outcome, Told};
use tap::Tap;

/// How long an answer may take before the daemon counts as hanging.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request, with its idempotency key if it has one.
pub type Request = (Ask, Option<Key>);

type Named<'k> = Option<IdempotencyKey<'k>>;

/// Why a connection has no more answers.
#[derive(Debug)]
pub enum End {
    /// The daemon is gone.
    Gone,
    /// It has gone away in order: what it did not answer it has not done.
    Away,
    /// Something that killing does not explain.
    Wrong(String),
}

/// A connection.
pub struct Connection<'c> {
    client: Client<Tap>,
    clock: &'c Clock,
    under_way: BTreeMap<u64, (Vec<Request>, u64)>,
}

impl<'c> Connection<'c> {
    pub fn open(socket: &Path, clock: &'c Clock) -> Result<Self, End> {
        let stream = UnixStream::connect(socket).map_err(|error| end(error.into()))?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|error| end(error.into()))?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(|error| end(error.into()))?;
        let client = Client::over(Tap::on(stream), "crash").map_err(end)?;
        Ok(Self { client, clock, under_way: BTreeMap::new() })
    }

    /// Sends one frame: a request, or a batch of issues or verifications.
    pub fn send(&mut self, requests: Vec<Request>) -> Result<u64, End> {
        let sent = self.clock.tick();
        let names: Vec<_> = requests.iter().map(|(_, key)| key.map(|key| key.to_string())).collect();
        let keys = names.iter().map(|name| {
            let name = name.as_ref()?;
            Some(IdempotencyKey::parse(name.as_bytes()).unwrap())
        });
        let mut frame: Vec<_> = requests.iter().map(|(ask, _)| ask.command()).zip(keys).collect();
        let id = if frame.len() == 1 {
            let (command, key) = frame.remove(0);
            self.client.submit(&command, key)
        } else if matches!(frame.first(), Some((Command::Issue(_), _))) {
            self.client.submit_issues(&frame.into_iter().map(issue).collect::<Vec<_>>())
        } else {
            self.client.submit_verifications(&frame.into_iter().map(verification).collect::<Vec<_>>())
        };
        let id = id.map_err(end)?;
        self.under_way.insert(id, (requests, sent));
        Ok(id)
    }

    pub fn flush(&mut self) -> Result<(), End> {
        self.client.flush().map_err(end)
    }

    pub fn under_way(&self) -> usize {
        self.under_way.len()
    }

    /// The next answer: the frame's id and what came of each of its requests.
    pub fn receive(&mut self) -> Result<(u64, Vec<Entry>), End> {
        let (id, answer) = self.client.receive().map_err(end)?;
        let ended = self.clock.tick();
        let body = self.client.stream().take(id).ok_or_else(|| End::Wrong(format!("no frame {id}")))?;
        let (requests, sent) =
            self.under_way.remove(&id).ok_or_else(|| End::Wrong(format!("no request {id}")))?;
        let outcomes = match answer {
            Ok(client::Answer::Reply(reply)) => vec![outcome(&requests[0].0, Ok(reply), body)],
            Ok(client::Answer::Batch(items)) => {
                let asks = requests.iter().map(|(ask, _)| ask);
                asks.zip(items)
                    .zip(cut(&body))
                    .map(|((ask, item), bytes)| outcome(ask, item, bytes))
                    .collect()
            }
            Ok(_) => return Err(End::Wrong("an answer of another kind".to_owned())),
            Err(ClientError::Refused(Status::Stopped, _)) => vec![Outcome::Unknown; requests.len()],
            Err(ClientError::Refused(status, _)) => {
                requests.iter().map(|_| Outcome::Refused(status)).collect()
            }
            Err(error) => return Err(end(error)),
        };
        if outcomes.len() != requests.len() {
            return Err(End::Wrong("a batch of another size".to_owned()));
        }
        let entry = |((ask, key), outcome)| Entry { ask, key, sent, ended, outcome };
        Ok((id, requests.into_iter().zip(outcomes).map(entry).collect()))
    }

    /// What no answer came to, after the daemon was dead at the moment `ended`.
    pub fn give_up(self, ended: u64) -> Vec<Entry> {
        self.under_way.into_values().flat_map(|(requests, sent)| unknown(requests, sent, ended)).collect()
    }

    /// The same at this moment, frame by frame.
    pub fn give_up_frames(self) -> Vec<(u64, Vec<Entry>)> {
        let ended = self.clock.tick();
        let frame = |(id, (requests, sent))| (id, unknown(requests, sent, ended));
        self.under_way.into_iter().map(frame).collect()
    }

    /// Requests that no answer will come to.
    pub fn unanswered(&self, requests: Vec<Request>) -> Vec<Entry> {
        let now = self.clock.tick();
        unknown(requests, now, now)
    }

    /// Tokens held, as the daemon's status tells; on the admin socket.
    pub fn token_count(&mut self) -> Result<u64, End> {
        let report = self.client.status().map_err(end)?;
        // Its frame is of no more interest.
        self.client.stream().clear();
        Ok(report.tokens)
    }
}

fn issue<'k>((command, key): (Command<'static>, Named<'k>)) -> (Issue<'static>, Named<'k>) {
    if let Command::Issue(issue) = command { (issue, key) } else { panic!("a batch of several operations") }
}

fn verification<'k>((command, key): (Command<'static>, Named<'k>)) -> (Verify<'static>, Named<'k>) {
    if let Command::Verify(verify) = command {
        (verify, key)
    } else {
        panic!("a batch of several operations")
    }
}

fn unknown(requests: Vec<Request>, sent: u64, ended: u64) -> Vec<Entry> {
    let entry = |(ask, key)| Entry { ask, key, sent, ended, outcome: Outcome::Unknown };
    requests.into_iter().map(entry).collect()
}

fn end(error: ClientError) -> End {
    match error {
        ClientError::Closed | ClientError::Broken => End::Gone,
        ClientError::GoneAway => End::Away,
        ClientError::Io(error) => match error.kind() {
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionRefused => End::Gone,
            ErrorKind::WouldBlock | ErrorKind::TimedOut => End::Wrong(format!("no answer in {PATIENCE:?}")),
            _ => End::Wrong(error.to_string()),
        },
        error => End::Wrong(error.to_string()),
    }
}

fn outcome(ask: &Ask, reply: Result<Reply, Status>, bytes: Vec<u8>) -> Outcome {
    let (told, bytes) = match reply {
        // So it is said that nobody knows whether it was done.
        Err(Status::Stopped) => return Outcome::Unknown,
        Err(status) => return Outcome::Refused(status),
        Ok(Reply::Issued(issued)) => {
            // A cryptogram whose header is void shows as counter 0, issued again and again.
            let atc = issued.cryptogram.header().map_or(0, |header| header.atc.get());
            (Told::Issued { atc, cryptogram: issued.cryptogram }, bytes)
        }
        Ok(Reply::IssuedShort(issued)) => {
            (Told::IssuedShort { atc: issued.atc.get(), value: Digits::of(&issued.value) }, bytes)
        }
        Ok(Reply::Verified(verified)) => (Told::Accepted { atc: verified.atc.get() }, bytes),
        Ok(Reply::Token(view)) => (Told::Token(view), bytes),
        Ok(Reply::Detokenized(card)) => {
            let saved = ask.token().map(|token| token.card.digits());
            (Told::Pan { right: saved.as_deref() == Some(card.pan.expose_digits()) }, Vec::new())
        }
        Ok(_) => panic!("never asked for"),
    };
    Outcome::Acknowledged(Answer { told, bytes })
}

/// The bodies of a batch's items.
fn cut(body: &[u8]) -> Vec<Vec<u8>> {
    let (mut rest, mut items) = (&body[2..], Vec::new());
    while let [_, _, high, low, after @ ..] = rest {
        let (item, more) = after.split_at(usize::from(u16::from_be_bytes([*high, *low])));
        items.push(item.to_vec());
        rest = more;
    }
    items
}
