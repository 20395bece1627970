//! Load from several connections, until the daemon is killed under it.

use std::path::Path;
use std::sync::Mutex;
use std::thread::{ScopedJoinHandle, scope};
use std::time::{Duration, Instant};

use tallystick::daemon::paths;

use crate::board::Board;
use crate::chips::Chips;
use crate::connection::{Connection, End, Request};
use crate::daemon::Running;
use crate::log::{Clock, Entry};
use crate::plan::{Act, Round, Step, Steps};
use crate::trigger::Trigger;

/// What a round's load came to.
pub struct Killed {
    pub log: Vec<Entry>,
    /// How long the load ran.
    pub after: Duration,
    /// Replies by then.
    pub replies: u32,
    /// Folds of the journal that were seen.
    pub pages: u64,
}

/// A connection, and another for what happens on two at once.
struct Worker<'c> {
    steps: Steps,
    main: Connection<'c>,
    second: Connection<'c>,
    log: Vec<Entry>,
}

/// Runs a round's load and kills the daemon.
pub fn run(
    round: &Round,
    dir: &Path,
    running: &mut Running,
    board: &Mutex<Board>,
    chips: &mut Chips,
    clock: &Clock,
) -> Result<Killed, String> {
    let socket = paths::data_socket(dir);
    let open = || Connection::open(&socket, clock).map_err(|end| format!("connecting: {end:?}"));
    let workers = round
        .steps()
        .into_iter()
        .map(|steps| Ok(Worker { steps, main: open()?, second: open()?, log: Vec::new() }));
    let workers = workers.collect::<Result<Vec<_>, String>>()?;
    let trigger = Trigger::new(round.kill, running.pid(), workers.len());
    scope(|scope| {
        let begun = Instant::now();
        let trigger = &trigger;
        let pages = scope.spawn(|| trigger.watch(&paths::admin_socket(dir)));
        let threads: Vec<_> =
            workers.into_iter().map(|worker| scope.spawn(move || worker.run(board, trigger))).collect();
        let cards = scope.spawn(|| chips.work(&socket));
        let waited = trigger.wait();
        let after = begun.elapsed();
        let ended = running.kill();
        let (log, replies) = (gather(threads, clock, board), trigger.replies());
        let pages = pages.join().map_err(|_| "the observer panicked".to_owned())?;
        let cards = cards.join().map_err(|_| "the connection of the cards panicked".to_owned())?;
        ended.and(waited).and(cards)?;
        Ok(Killed { log: log?, after, replies, pages })
    })
}

/// The logs of all, with what was under way at the end; the daemon is dead.
fn gather(
    threads: Vec<ScopedJoinHandle<'_, Result<Worker<'_>, String>>>,
    clock: &Clock,
    board: &Mutex<Board>,
) -> Result<Vec<Entry>, String> {
    let workers: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().map_err(|_| "a connection's thread panicked".to_owned())?)
        .collect::<Result<_, _>>()?;
    let (death, mut log) = (clock.tick(), Vec::new());
    for worker in workers {
        let unknown = [worker.main.give_up(death), worker.second.give_up(death)].concat();
        unknown.iter().for_each(|entry| board.lock().unwrap().learn(entry));
        log.extend(worker.log.into_iter().chain(unknown));
    }
    Ok(log)
}

impl<'c> Worker<'c> {
    /// Works until the daemon is gone.
    fn run(mut self, board: &Mutex<Board>, trigger: &Trigger) -> Result<Self, String> {
        let end = loop {
            if let Err(end) = self.burst(board, trigger) {
                break end;
            }
        };
        trigger.leave();
        if let End::Wrong(what) = end {
            return Err(what);
        }
        // What the daemon had answered before it died is still to be read.
        for second in [false, true] {
            while self.receive(second, board, trigger).is_ok() {}
        }
        Ok(self)
    }

    fn burst(&mut self, board: &Mutex<Board>, trigger: &Trigger) -> Result<(), End> {
        for step in self.steps.burst() {
            let requests = board.lock().unwrap().requests(&step);
            if let Err(end) = self.send(&step, requests.clone()) {
                board.lock().unwrap().put_back(&requests);
                return Err(end);
            }
        }
        self.second.flush()?;
        self.main.flush()?;
        for second in [false, true] {
            while self.connection(second).under_way() > 0 {
                self.receive(second, board, trigger)?;
            }
        }
        Ok(())
    }

    fn send(&mut self, step: &Step, requests: Vec<Request>) -> Result<(), End> {
        if matches!(step.act, Act::VerifyTwice) {
            // Without a key: the same key gives the same answer, not a race.
            self.second.send(requests.iter().map(|(ask, _)| (*ask, None)).collect())?;
        }
        self.main.send(requests).map(drop)
    }

    fn receive(&mut self, second: bool, board: &Mutex<Board>, trigger: &Trigger) -> Result<(), End> {
        let (_, entries) = self.connection(second).receive()?;
        trigger.count(entries.len());
        let mut board = board.lock().unwrap();
        entries.iter().for_each(|entry| board.learn(entry));
        drop(board);
        self.log.extend(entries);
        Ok(())
    }

    const fn connection(&mut self, second: bool) -> &mut Connection<'c> {
        if second { &mut self.second } else { &mut self.main }
    }
}
