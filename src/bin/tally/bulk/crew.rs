//! Connections that work side by side, each on a handful of cards at a time.
//! Handfuls are dealt out in turn and taken back in the same order.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tallystick::cards::Item;
use tallystick::client::Client;

use super::handful::{Done, work};
use super::job::Job;
use crate::ask::connect;
use crate::output::Failure;

/// Handfuls that a connection has at a time: one in work, one waiting.
const AT_A_TIME: usize = 2;

/// The connections.
pub struct Crew {
    hands: Vec<Hand>,
    given: usize,
    taken: usize,
}

/// A connection with a thread of its own.
struct Hand {
    todo: SyncSender<Vec<Item>>,
    done: Receiver<Done>,
}

impl Crew {
    /// Opens so many connections for a job.
    pub fn connect(dir: &Path, count: u8, job: &Arc<Job>) -> Result<Self, Failure> {
        let hands = (0..count).map(|_| Hand::new(connect(dir)?, Arc::clone(job)));
        Ok(Self { hands: hands.collect::<Result<_, _>>()?, given: 0, taken: 0 })
    }

    /// Whether one more handful may be given.
    pub fn has_room(&self) -> bool {
        self.given - self.taken < self.hands.len() * AT_A_TIME
    }

    /// Gives a handful to the next connection.
    pub fn give(&mut self, items: Vec<Item>) -> Result<(), Failure> {
        let hand = self.hands.get(self.given % self.hands.len().max(1));
        self.given += 1;
        hand.and_then(|hand| hand.todo.send(items).ok()).ok_or_else(panicked)
    }

    /// Takes the oldest handful back, waiting for it; none if none is out.
    pub fn take(&mut self) -> Result<Option<Done>, Failure> {
        if self.given == self.taken {
            return Ok(None);
        }
        let hand = self.hands.get(self.taken % self.hands.len().max(1));
        self.taken += 1;
        hand.and_then(|hand| hand.done.recv().ok()).map(Some).ok_or_else(panicked)
    }
}

impl Hand {
    fn new(mut client: Client<UnixStream>, job: Arc<Job>) -> Result<Self, Failure> {
        let (todo, given) = sync_channel(AT_A_TIME);
        let (finished, done) = sync_channel(AT_A_TIME);
        std::thread::Builder::new().spawn(move || {
            while let Ok(items) = given.recv() {
                // Nobody takes it any more once the job has ended.
                if finished.send(work(&mut client, &job, items)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { todo, done })
    }
}

fn panicked() -> Failure {
    Failure::new("a connection's thread panicked")
}
