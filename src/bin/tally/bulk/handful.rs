//! A handful of cards on one connection: all are asked, then all answered.

use std::collections::BTreeMap;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use tallystick::cards::{Item, Reject};
use tallystick::client::{Answer, Client, ClientError};
use tallystick::command::{Command, Reply, TokenView};
use tallystick::types::IdempotencyKey;
use tallystick::wire::Status;

use super::job::Job;
use super::record::{put_rejected, put_saved};
use crate::ask::refused;
use crate::output::Failure;

/// A full commit group passes, full memory does not: this often it is waited for.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(100);
/// About as many bytes as a row has.
const ROW: usize = 192;

/// What became of a handful, up to the first card of which nothing is known or
/// at which the job must end.
#[derive(Default)]
pub struct Done {
    /// Rows for the record.
    pub rows: String,
    /// Cards saved.
    pub saved: u64,
    /// Lines rejected.
    pub rejected: Vec<(u64, Reject)>,
    /// Why the job ends here.
    pub end: Option<Failure>,
}

/// Where a card stands.
enum State {
    Asked(Command<'static>),
    Saved(Box<TokenView>),
    Rejected(Reject),
    Ended(Failure),
}

/// Works on a handful.
pub fn work(client: &mut Client<UnixStream>, job: &Job, items: Vec<Item>) -> Done {
    let asked = |card| State::Asked(Command::Provision(card));
    let state = |item: Item| (item.line, item.card.map_or_else(State::Rejected, asked));
    let mut cards: Vec<_> = items.into_iter().map(state).collect();
    for _ in 0..TRIES {
        if let Err(failure) = ask(client, job, &mut cards) {
            return Done::of(cards, failure);
        }
        let is_busy = |(_, state): &(u64, State)| matches!(state, State::Asked(_));
        let is_over = |(_, state): &(u64, State)| matches!(state, State::Ended(_));
        if !cards.iter().any(is_busy) || cards.iter().any(is_over) {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    // What is still only asked was answered `busy`.
    Done::of(cards, busy())
}

/// Asks everything that has no answer yet, and takes the answers.
fn ask(client: &mut Client<UnixStream>, job: &Job, cards: &mut [(u64, State)]) -> Result<(), Failure> {
    let (mut next, mut waiting) = (0, BTreeMap::new());
    loop {
        while next < cards.len() && client.has_room() {
            if let Some((line, State::Asked(command))) = cards.get(next) {
                let key = job.key(*line);
                let id = client.submit(command, Some(IdempotencyKey::parse(&key)?));
                waiting.insert(id.map_err(|error| refused(&error))?, next);
            }
            next += 1;
        }
        if waiting.is_empty() {
            return Ok(());
        }
        let (id, answer) = client.receive().map_err(|error| refused(&error))?;
        let card = waiting.remove(&id).and_then(|place| cards.get_mut(place));
        if let Some((_, state)) = card {
            answered(state, answer);
        }
    }
}

fn answered(state: &mut State, answer: Result<Answer, ClientError>) {
    *state = match answer {
        Ok(Answer::Reply(Reply::Token(view))) => State::Saved(view),
        Ok(_) => State::Ended(Failure::new("the daemon answered something else")),
        Err(error) => match error.status() {
            Some(Status::Busy) => return,
            Some(status) if is_of_card(status) => {
                State::Rejected(Reject { status: status.name(), says: error.to_string() })
            }
            _ => State::Ended(refused(&error)),
        },
    };
}

/// Whether a refusal is of this one card, so that the next may be saved. Any
/// other is of the caller, the daemon or a limit, and the next would meet it too.
const fn is_of_card(status: Status) -> bool {
    matches!(status, Status::ExpiryPast | Status::NoTokenRange | Status::AuthReferenceRequired)
}

fn busy() -> Failure {
    Failure::refused(
        "busy",
        "the daemon is busy: most likely it remembers as many idempotency keys as it may. Raise \
         `limits.idempotency_keys` in tallyd.toml and start it again, or wait until keys are forgotten, after \
         `limits.idempotency_seconds` [busy]",
    )
}

impl Done {
    /// What became of the cards up to the first that has no outcome; `why` it has none.
    fn of(cards: Vec<(u64, State)>, why: Failure) -> Self {
        let mut done = Self { rows: String::with_capacity(cards.len() * ROW), ..Self::default() };
        for (line, state) in cards {
            match state {
                State::Saved(view) => {
                    put_saved(&mut done.rows, line, &view);
                    done.saved += 1;
                }
                State::Rejected(reject) => {
                    put_rejected(&mut done.rows, line, &reject);
                    done.rejected.push((line, reject));
                }
                State::Ended(failure) => return Self { end: Some(failure), ..done },
                State::Asked(_) => return Self { end: Some(why), ..done },
            }
        }
        done
    }
}
