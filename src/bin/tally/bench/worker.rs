//! One connection of a measurement.

mod closed;
mod open;

pub use open::{Pace, Sliced};

use std::collections::VecDeque;
use std::path::Path;
use std::time::Instant;

use tallystick::client::{Answer, Client, ClientError};
use tallystick::command::{Issue, Reply, Verify};
use tallystick::types::{Amount, Cryptogram, Currency, TokenNumber, Transaction};

use super::measured::{Counted, Measured};
use super::stream::{Timed, connect};
use super::tokens::Hand;
use crate::arguments::bench::BenchOp;
use crate::ask::refused;
use crate::output::Failure;

/// A connection with its own tokens.
pub struct Worker {
    client: Client<Timed>,
    op: BenchOp,
    depth: usize,
    hand: Hand,
    /// When each request under way was let go, or was due.
    begun: VecDeque<Instant>,
    /// Cryptograms to be verified.
    stock: VecDeque<(TokenNumber, Cryptogram)>,
    counted: Counted,
}

impl Worker {
    /// Opens a connection.
    pub fn connect(socket: &Path, op: BenchOp, depth: usize, hand: Hand) -> Result<Self, Failure> {
        let client = connect(socket)?;
        let depth = depth.min(usize::try_from(client.agreed().in_flight).unwrap_or(1));
        let begun = VecDeque::with_capacity(depth);
        Ok(Self { client, op, depth, hand, begun, stock: VecDeque::new(), counted: Counted::nothing()? })
    }

    /// Issues cryptograms, unmeasured, until there are so many to be verified; at
    /// most `window` at a time. They stay in the order of their counters, so none
    /// falls behind its token's window.
    pub fn stock_up(&mut self, count: usize, window: usize) -> Result<(), Failure> {
        let mut issued = VecDeque::new();
        while self.stock.len() < count {
            let room = issued.len() < window && self.client.has_room();
            if room && self.stock.len() + issued.len() < count {
                let token = self.hand.next().ok_or_else(|| Failure::new("no tokens to verify with"))?;
                let issue = self.issue_of(token);
                self.client.submit_issue(&issue, None)?;
                issued.push_back(token);
                continue;
            }
            let (_, answer) = self.client.receive()?;
            if let Some(token) = issued.pop_front() {
                let Answer::Reply(Reply::Issued(issued)) = answer.map_err(|error| refused(&error))? else {
                    return Err(Failure::new("the daemon answered something else"));
                };
                self.stock.push_back((token, issued.cryptogram));
            }
        }
        Ok(())
    }

    /// Takes cryptograms that nobody issued, for an echo, until there are so many.
    pub fn stock_blanks(&mut self, count: usize) -> Result<(), Failure> {
        let blank = Cryptogram::from_slice(&[7; Cryptogram::LEN])?;
        let Self { stock, hand, .. } = self;
        stock.extend((stock.len()..count).filter_map(|_| hand.next()).map(|token| (token, blank)));
        Ok(())
    }

    /// Adds what was counted since the last time.
    pub fn hand_to(&mut self, measured: &mut Measured) -> Result<(), Failure> {
        self.counted.hand_to(measured)
    }

    /// Puts the next request on its way; `false` if there is none.
    fn submit(&mut self) -> Result<bool, ClientError> {
        match self.op {
            BenchOp::Ping => {
                self.client.submit_ping()?;
            }
            BenchOp::Issue => {
                let Some(token) = self.hand.next() else { return Ok(false) };
                let issue = self.issue_of(token);
                self.client.submit_issue(&issue, None)?;
            }
            BenchOp::Verify => {
                let Some((token, cryptogram)) = self.stock.pop_front() else { return Ok(false) };
                let verify = self.verify_of(token, cryptogram);
                self.client.submit_verify(&verify, None)?;
            }
        }
        Ok(true)
    }

    fn issue_of(&self, token: TokenNumber) -> Issue<'static> {
        Issue { token, trid: self.hand.tokens().trid, transaction: transaction() }
    }

    fn verify_of(&self, token: TokenNumber, cryptogram: Cryptogram) -> Verify<'static> {
        let tokens = self.hand.tokens();
        let (expiry, trid) = (tokens.expiry, tokens.trid);
        Verify { token, expiry, trid, transaction: transaction(), cryptogram }
    }
}

/// What is paid with every token: 499.00 rupees.
pub fn transaction() -> Transaction<'static> {
    // The code of the rupee is a currency's.
    let amount = Currency::from_code(356).ok().map(|currency| (Amount::from_minor_units(49_900), currency));
    Transaction { amount, ..Transaction::UNKNOWN }
}
