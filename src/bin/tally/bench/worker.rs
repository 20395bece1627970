//! One connection of a measurement.

use std::collections::VecDeque;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tallystick::client::{Answer, Client};
use tallystick::command::{Command, Issue, Reply, Verify};
use tallystick::types::{Amount, Currency, Transaction};

use super::tokens::Token;
use super::{nanoseconds, new_histogram};
use crate::arguments::Bench;
use crate::ask::{connect, refused};
use crate::output::Failure;

/// Cryptograms issued, unmeasured, before each measured stretch of verifying.
const STOCK: usize = 16_384;

/// A connection with its own tokens.
pub struct Worker {
    client: Client<UnixStream>,
    depth: usize,
    tokens: Vec<Token>,
    /// State of a small generator of indices; only speed matters.
    seed: u64,
    begun: VecDeque<Instant>,
    stock: VecDeque<Verify<'static>>,
    latency: Histogram<u64>,
    operations: u64,
}

/// Deals tokens out to so many connections; with fewer tokens they share.
pub fn split(tokens: Vec<Token>, connections: usize) -> Vec<Vec<Token>> {
    if tokens.len() < connections {
        return vec![tokens; connections];
    }
    let mut hands = vec![Vec::new(); connections];
    for (nth, token) in tokens.into_iter().enumerate() {
        if let Some(hand) = hands.get_mut(nth % connections) {
            hand.push(token);
        }
    }
    hands
}

impl Worker {
    /// Opens a connection.
    pub fn connect(dir: &Path, arguments: &Bench, tokens: Vec<Token>, nth: usize) -> Result<Self, Failure> {
        let client = connect(dir)?;
        let depth = usize::try_from(arguments.depth).unwrap_or(1);
        let depth = depth.min(usize::try_from(client.agreed().in_flight).unwrap_or(1));
        let seed = 0x9e37_79b9_7f4a_7c15 ^ u64::try_from(nth).unwrap_or(0);
        let (begun, latency) = (VecDeque::with_capacity(depth), new_histogram()?);
        Ok(Self { client, depth, tokens, seed, begun, stock: VecDeque::new(), latency, operations: 0 })
    }

    /// Operations measured.
    pub const fn operations(&self) -> u64 {
        self.operations
    }

    /// Their latencies in nanoseconds.
    pub const fn latency(&self) -> &Histogram<u64> {
        &self.latency
    }

    /// Pings for so long.
    pub fn ping(&mut self, limit: Duration) -> Result<Duration, Failure> {
        self.stretch(limit, |worker| worker.client.submit_ping().map(Some))
    }

    /// Issues for so long.
    pub fn issue(&mut self, limit: Duration) -> Result<Duration, Failure> {
        self.stretch(limit, |worker| match worker.next_token() {
            Some(token) => worker.client.submit(&Command::Issue(issue_of(token)), None).map(Some),
            None => Ok(None),
        })
    }

    /// Verifies the stock.
    pub fn verify(&mut self, limit: Duration) -> Result<Duration, Failure> {
        self.stretch(limit, |worker| match worker.stock.pop_front() {
            Some(verify) => worker.client.submit(&Command::Verify(verify), None).map(Some),
            None => Ok(None),
        })
    }

    /// Issues cryptograms for the next stretch of verifying.
    pub fn stock_up(&mut self) -> Result<Duration, Failure> {
        let mut issued = VecDeque::new();
        self.stock.clear();
        while self.stock.len() < STOCK {
            if issued.len() < self.depth && self.stock.len() + issued.len() < STOCK {
                let token = self.next_token().ok_or_else(|| Failure::new("no tokens to verify with"))?;
                self.client.submit(&Command::Issue(issue_of(token)), None)?;
                issued.push_back(token);
                continue;
            }
            let (_, answer) = self.client.receive()?;
            if let Some(token) = issued.pop_front() {
                let answer = answer.map_err(|error| refused(&error))?;
                self.stock.push_back(verification(&answer, token)?);
            }
        }
        Ok(Duration::ZERO)
    }

    /// Keeps the pipe full until the time is over or there is nothing more to
    /// submit, and returns how long it took.
    fn stretch(
        &mut self,
        limit: Duration,
        mut submit: impl FnMut(&mut Self) -> Result<Option<u64>, tallystick::client::ClientError>,
    ) -> Result<Duration, Failure> {
        let start = Instant::now();
        let mut more = true;
        loop {
            while more && self.begun.len() < self.depth {
                let begun = Instant::now();
                more = begun.duration_since(start) < limit && submit(self)?.is_some();
                if more {
                    self.begun.push_back(begun);
                }
            }
            if self.begun.is_empty() {
                return Ok(start.elapsed());
            }
            let (_, answer) = self.client.receive()?;
            answer.map_err(|error| refused(&error))?;
            self.count();
        }
    }

    fn count(&mut self) {
        self.operations += 1;
        if let Some(begun) = self.begun.pop_front() {
            self.latency.saturating_record(nanoseconds(begun));
        }
    }

    /// A token at random, by xorshift.
    fn next_token(&mut self) -> Option<Token> {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let count = u64::try_from(self.tokens.len()).ok().filter(|count| *count > 0)?;
        self.tokens.get(usize::try_from(self.seed % count).ok()?).copied()
    }
}

/// What is paid with every token.
fn transaction() -> Transaction<'static> {
    // The code of the rupee is a currency's.
    let amount = Currency::from_code(356).ok().map(|currency| (Amount::from_minor_units(49_900), currency));
    Transaction { amount, ..Transaction::UNKNOWN }
}

fn issue_of(token: Token) -> Issue<'static> {
    Issue { token: token.number, trid: token.trid, transaction: transaction() }
}

fn verification(answer: &Answer, token: Token) -> Result<Verify<'static>, Failure> {
    let Answer::Reply(Reply::Issued(issued)) = answer else {
        return Err(Failure::new("the daemon answered something else"));
    };
    let Token { number, expiry, trid } = token;
    Ok(Verify { token: number, expiry, trid, transaction: transaction(), cryptogram: issued.cryptogram })
}
