//! Load on all nodes, from clients that go to another when theirs is down.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use super::cluster::Cluster;
use super::plan::Troubles;
use crate::board::Board;
use crate::connection::{Connection, End, Request};
use crate::log::{Clock, Entry};
use crate::plan::{Act, Step, Steps};

/// A client, with a connection to one node and another to the next.
struct Worker<'w> {
    sockets: &'w [PathBuf],
    clock: &'w Clock,
    board: &'w Mutex<Board>,
    steps: Steps,
    connections: [Option<Connection<'w>>; 2],
    /// Where each connection is tried next.
    at: [usize; 2],
    /// Requests with keys whose answers were lost: asked again elsewhere.
    again: Vec<Request>,
    log: Vec<Entry>,
    /// Connections that ended under it.
    moves: u32,
}

/// What a round's load came to.
pub struct Loaded {
    pub log: Vec<Entry>,
    pub moves: u32,
}

/// Runs the load while the troubles happen.
pub fn run(
    round: &Troubles,
    cluster: &mut Cluster,
    board: &Mutex<Board>,
    clock: &Clock,
) -> Result<Loaded, String> {
    let sockets: Vec<_> = cluster.nodes.iter().map(super::node::Node::data_socket).collect();
    let (is_over, answered) = (AtomicBool::new(false), AtomicU32::new(0));
    scope(|scope| {
        let workers = round.load.steps().into_iter().enumerate().map(|(number, steps)| {
            let at = [number, number + 1].map(|at| at % sockets.len());
            Worker {
                sockets: &sockets,
                clock,
                board,
                steps,
                connections: [None, None],
                at,
                again: Vec::new(),
                log: Vec::new(),
                moves: 0,
            }
        });
        let threads: Vec<_> = workers
            .map(|worker| {
                let (is_over, answered) = (&is_over, &answered);
                scope.spawn(move || worker.run(is_over, answered))
            })
            .collect();
        for (after, trouble) in &round.troubles {
            sleep(*after);
            cluster.trouble(*trouble);
        }
        sleep(round.after);
        is_over.store(true, Ordering::SeqCst);
        let healed = cluster.heal();
        let (mut log, mut moves) = (Vec::new(), 0);
        for thread in threads {
            let worker = thread.join().map_err(|_| "a client panicked".to_owned())??;
            moves += worker.moves;
            log.extend(worker.log);
        }
        healed.map(|()| Loaded { log, moves })
    })
}

impl<'w> Worker<'w> {
    fn run(mut self, is_over: &AtomicBool, answered: &AtomicU32) -> Result<Self, String> {
        while !is_over.load(Ordering::SeqCst) {
            if !self.connect() {
                sleep(Duration::from_millis(5));
                continue;
            }
            if let Err(What(what)) = self.burst() {
                return Err(what);
            }
            answered.fetch_add(1, Ordering::Relaxed);
        }
        Ok(self)
    }

    /// Whether both connections are there.
    fn connect(&mut self) -> bool {
        for which in 0..2 {
            if self.connections[which].is_none() {
                let at = self.at[which];
                self.at[which] = (at + 1) % self.sockets.len();
                self.connections[which] = Connection::open(&self.sockets[at], self.clock).ok();
            }
        }
        self.connections.iter().all(Option::is_some)
    }

    fn burst(&mut self) -> Result<(), What> {
        for request in std::mem::take(&mut self.again) {
            self.send(0, vec![request])?;
        }
        for step in self.steps.burst() {
            let requests = self.board.lock().unwrap().requests(&step);
            self.step(&step, requests)?;
        }
        for which in [1, 0] {
            if let Some(Err(end)) = self.connections[which].as_mut().map(Connection::flush) {
                self.lose(which, end)?;
            }
        }
        for which in [0, 1] {
            self.drain(which)?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step, requests: Vec<Request>) -> Result<(), What> {
        if matches!(step.act, Act::VerifyTwice) {
            // At another node, and without a key: the same key gives the same answer, not a race.
            self.send(1, requests.iter().map(|(ask, _)| (*ask, None)).collect())?;
        }
        self.send(0, requests)
    }

    fn send(&mut self, which: usize, requests: Vec<Request>) -> Result<(), What> {
        let Some(connection) = &mut self.connections[which] else {
            self.board.lock().unwrap().put_back(&requests);
            return Ok(());
        };
        let unanswered = connection.unanswered(requests.clone());
        let Err(end) = connection.send(requests) else { return Ok(()) };
        self.forget(unanswered);
        self.lose(which, end)
    }

    fn drain(&mut self, which: usize) -> Result<(), What> {
        while let Some(connection) = self.connections[which].as_mut().filter(|open| open.under_way() > 0) {
            match connection.receive() {
                Ok((_, entries)) => self.learn(entries),
                Err(end) => self.lose(which, end)?,
            }
        }
        Ok(())
    }

    fn learn(&mut self, entries: Vec<Entry>) {
        let mut board = self.board.lock().unwrap();
        entries.iter().for_each(|entry| board.learn(entry));
        drop(board);
        self.log.extend(entries);
    }

    /// Gives a connection up; what was under way may have been done.
    fn lose(&mut self, which: usize, end: End) -> Result<(), What> {
        self.moves += 1;
        let Some(mut connection) = self.connections[which].take() else { return Ok(()) };
        // What was answered before it ended counts as answered.
        while connection.under_way() > 0
            && let Ok((_, entries)) = connection.receive()
        {
            self.learn(entries);
        }
        let lost = connection.give_up(self.clock.tick());
        match end {
            End::Wrong(what) => return Err(What(what)),
            End::Gone => self.forget(lost),
            // So none of it was done, and nothing is to be known of it.
            End::Away => {
                let requests: Vec<_> = lost.into_iter().map(|entry| (entry.ask, entry.key)).collect();
                self.board.lock().unwrap().put_back(&requests);
            }
        }
        Ok(())
    }

    /// Takes note of what nobody knows the outcome of.
    fn forget(&mut self, unknown: Vec<Entry>) {
        let keyed = unknown.iter().filter(|entry| entry.key.is_some());
        self.again.extend(keyed.map(|entry| (entry.ask, entry.key)));
        self.learn(unknown);
    }
}

/// What ends a run.
struct What(String);
