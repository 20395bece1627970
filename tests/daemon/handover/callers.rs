//! Callers who pay, read and save cards without a pause, and what they were told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tallystick::client::{ClientError, Reconnecting};
use tallystick::command::{Command, List, Reply, TokenView};
use tallystick::types::{Cryptogram, IdempotencyKey};

use crate::process::{card, issue_of, provision, trid, verify_of};
use crate::service::Manager;

/// Requests of each caller between two hand-overs, at least.
const BETWEEN: u64 = 64;
/// Requests under way together, of those who do not wait for each.
const TOGETHER: usize = 16;

/// What each does, over and over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Trade {
    /// Issues and verifies with keys, one by one.
    Keyed,
    /// The same without keys.
    Bare,
    /// Issues many at a time, with and without keys.
    Many,
    /// Shows and lists.
    Reads,
    /// Saves a card, with a key.
    Saves,
}

const TRADES: [Trade; 6] = [Trade::Keyed, Trade::Bare, Trade::Many, Trade::Many, Trade::Reads, Trade::Saves];

/// Callers at work.
pub struct Callers {
    board: Arc<Board>,
    threads: Vec<JoinHandle<Caller>>,
}

/// What all know of each other.
#[derive(Default)]
struct Board {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    requests: [u64; TRADES.len()],
    faults: Vec<String>,
    is_over: bool,
}

/// A caller, and in the end what it knows.
struct Caller {
    at: usize,
    trade: Trade,
    client: Reconnecting,
    board: Arc<Board>,
    token: TokenView,
    /// What was issued, and under which key.
    issued: Vec<(Option<String>, Cryptogram)>,
    verified: BTreeSet<[u8; 20]>,
    saved: Vec<(String, TokenView)>,
    unknown: u64,
    longest: Duration,
}

/// What all were told.
pub struct Done(Vec<Caller>);

pub fn reconnecting(socket: &Path) -> Reconnecting {
    Reconnecting::new(socket, "caller", Duration::from_secs(120))
}

pub fn all() -> List {
    List { trid: trid(), after: None, limit: 100 }
}

impl Callers {
    pub fn begin(manager: &Manager) -> Self {
        let board = Arc::new(Board::default());
        let socket = manager.daemon.path("run/tallyd.sock");
        let start = |(at, trade): (usize, &Trade)| {
            let caller = Caller {
                at,
                trade: *trade,
                client: reconnecting(&socket),
                board: Arc::clone(&board),
                token: provision(&mut manager.client()),
                issued: Vec::new(),
                verified: BTreeSet::new(),
                saved: Vec::new(),
                unknown: 0,
                longest: Duration::ZERO,
            };
            std::thread::spawn(move || caller.work())
        };
        let threads = TRADES.iter().enumerate().map(start).collect();
        Self { board, threads }
    }

    /// Waits until each has had some more answers.
    pub fn work_on(&mut self) {
        let mut state = self.board.state.lock().unwrap();
        let wanted = state.requests.map(|count| count + BETWEEN);
        while state.requests.iter().zip(wanted).any(|(count, wanted)| *count < wanted) {
            assert_eq!(state.faults, [""; 0], "a caller noticed");
            state = self.board.moved.wait(state).unwrap();
        }
        assert_eq!(state.faults, [""; 0], "a caller noticed");
    }

    pub fn end(self) -> Done {
        self.board.state.lock().unwrap().is_over = true;
        let done = Done(self.threads.into_iter().map(|thread| thread.join().unwrap()).collect());
        assert_eq!(self.board.state.lock().unwrap().faults, [""; 0], "a caller noticed");
        done
    }
}

impl Caller {
    fn work(mut self) -> Self {
        for round in 0.. {
            let before = Instant::now();
            let told = self.take_turn(round);
            self.longest = self.longest.max(before.elapsed());
            let mut state = self.board.state.lock().unwrap();
            match told {
                Ok(requests) => state.requests[self.at] += requests,
                Err(error) => state.faults.push(format!("{:?}, round {round}: {error}", self.trade)),
            }
            let is_over = state.is_over || !state.faults.is_empty();
            drop(state);
            self.board.moved.notify_all();
            if is_over {
                break;
            }
        }
        self
    }

    fn take_turn(&mut self, round: u64) -> Result<u64, ClientError> {
        let name = format!("{}-{round}", self.at);
        match self.trade {
            Trade::Keyed => self.pay(Some(name)),
            Trade::Bare => self.pay(None),
            Trade::Many => self.issue_many(&name),
            Trade::Reads => {
                self.client.call(&Command::Show(self.token.token), None)?;
                self.client.call(&Command::List(all()), None)?;
                Ok(2)
            }
            Trade::Saves => {
                let command = Command::Provision(Box::new(card()));
                let Reply::Token(view) = self.client.call(&command, key(Some(&name)))? else { panic!() };
                self.saved.push((name, *view));
                Ok(1)
            }
        }
    }

    fn pay(&mut self, name: Option<String>) -> Result<u64, ClientError> {
        let issue = Command::Issue(issue_of(&self.token));
        let issued = self.client.call(&issue, key(name.as_deref()));
        let Some(Reply::Issued(issued)) = self.known(issued)? else { return Ok(1) };
        let cryptogram = issued.cryptogram;
        self.issued.push((name.clone(), cryptogram));
        let verify = Command::Verify(verify_of(&self.token, cryptogram));
        let verified = self.client.call(&verify, key(name.as_deref()));
        if self.known(verified)?.is_some() {
            assert!(self.verified.insert(*cryptogram.as_bytes()), "accepted twice");
        }
        Ok(2)
    }

    fn issue_many(&mut self, name: &str) -> Result<u64, ClientError> {
        // Every other one has a key.
        let names: Vec<_> = (0..TOGETHER).map(|at| (at % 2 == 0).then(|| format!("{name}-{at}"))).collect();
        let issue = || Command::Issue(issue_of(&self.token));
        let asked: Vec<_> = names.iter().map(|name| (issue(), key(name.as_deref()))).collect();
        let answers = self.client.call_all(&asked);
        drop(asked);
        assert_eq!(answers.len(), TOGETHER);
        for (name, answer) in names.into_iter().zip(answers) {
            if let Some(Reply::Issued(issued)) = self.known(answer)? {
                self.issued.push((name, issued.cryptogram));
            }
        }
        Ok(TOGETHER as u64)
    }

    /// An answer; none if it is unknown what became of the request.
    fn known(&mut self, answer: Result<Reply, ClientError>) -> Result<Option<Reply>, ClientError> {
        match answer {
            Err(ClientError::Unknown) => {
                self.unknown += 1;
                Ok(None)
            }
            answer => answer.map(Some),
        }
    }

    /// Asks again about everything that it was told.
    fn check(mut self, daemons: usize) {
        assert!(self.client.connections() >= daemons as u64, "{:?} was not there each time", self.trade);
        let mut by_counter = BTreeMap::new();
        for (name, cryptogram) in &self.issued {
            let counter = counter_of(cryptogram);
            assert!(by_counter.insert(counter, *cryptogram).is_none(), "counter {counter} twice");
            let Some(name) = name else { continue };
            let again = self.client.call(&Command::Issue(issue_of(&self.token)), key(Some(name)));
            let Ok(Reply::Issued(again)) = again else { panic!("{again:?}") };
            assert_eq!(again.cryptogram.as_bytes(), cryptogram.as_bytes(), "another answer to a retry");
        }
        let count = by_counter.len() as u64;
        let newest = by_counter.keys().next_back().copied().unwrap_or(0);
        // Each counter that was used up was told to somebody, but for those whose fate is unknown.
        assert!((count..=count + self.unknown).contains(&newest), "{newest} of {count}");
        for (_, cryptogram) in by_counter.into_iter().rev().take(64).rev() {
            let verify = || Command::Verify(verify_of(&self.token, cryptogram));
            let is_consumed = self.verified.contains(cryptogram.as_bytes());
            let first = self.client.call(&verify(), None);
            // One verified in vain may have been accepted.
            assert!(first.is_ok() != is_consumed || self.unknown > 0, "{first:?}");
            assert!(self.client.call(&verify(), None).is_err(), "accepted twice");
        }
        for (name, view) in &self.saved {
            let again = self.client.call(&Command::Provision(Box::new(card())), key(Some(name)));
            let Ok(Reply::Token(again)) = again else { panic!("{again:?}") };
            assert_eq!((again.token, &again.par), (view.token, &view.par));
        }
    }
}

impl Done {
    pub fn requests(&self) -> u64 {
        self.0.first().unwrap().board.state.lock().unwrap().requests.iter().sum()
    }

    pub fn longest(&self) -> Vec<Duration> {
        self.0.iter().map(|caller| caller.longest).collect()
    }

    pub fn unknown(&self) -> u64 {
        self.0.iter().map(|caller| caller.unknown).sum()
    }

    /// Checks all that was told, after so many daemons were replaced.
    pub fn check(self, manager: &Manager, replaced: usize) {
        let bare = |caller: &Caller| matches!(caller.trade, Trade::Bare | Trade::Many) || caller.unknown == 0;
        assert!(self.0.iter().all(bare), "what has a key is never unknown");
        let tokens: BTreeSet<_> =
            self.0.iter().flat_map(|caller| &caller.saved).map(|(_, view)| view.token).collect();
        assert_eq!(tokens.len(), self.0.iter().map(|caller| caller.saved.len()).sum::<usize>());
        manager.client().ping().unwrap();
        self.0.into_iter().for_each(|caller| caller.check(replaced + 1));
    }
}

fn key(name: Option<&str>) -> Option<IdempotencyKey<'_>> {
    name.map(|name| IdempotencyKey::parse(name.as_bytes()).unwrap())
}

/// The bytes 2 to 5 (`docs/FORMATS.md`).
pub fn counter_of(cryptogram: &Cryptogram) -> u64 {
    u32::from_be_bytes(cryptogram.as_bytes()[2..6].try_into().unwrap()).into()
}
