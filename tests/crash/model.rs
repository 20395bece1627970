//! What the daemon promises, checked against the client's own log. Pure: entries
//! go in, faults come out.
//!
//! Nothing is assumed of the order of requests that were under way at the same
//! time. An unknown request may have been done or not, until something later
//! tells.

mod counters;
mod fault;
mod history;
mod keys;
mod life;
mod peaks;
mod shorts;
mod tally;

pub use fault::{Fault, Kind};
pub use tally::Tally;

use std::collections::{BTreeMap, BTreeSet};

use tallystick::types::TokenNumber;

use crate::ask::Ask;
use crate::log::{Entry, Key, Outcome, Told};
use keys::{Keys, Meaning};
use life::Life;

/// Everything the client knows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    keys: Keys,
    tokens: BTreeMap<TokenNumber, Life>,
    /// Provisions that nobody knows the outcome of.
    unheard: BTreeSet<Key>,
    pub tally: Tally,
}

impl Model {
    /// Takes a stretch of the log after whose end nothing of it is under way.
    pub fn absorb(&mut self, log: &[Entry]) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut order: Vec<&Entry> = log.iter().collect();
        order.sort_by_key(|entry| entry.ended);
        let mut meant = Vec::new();
        for entry in order {
            self.tally.count(entry);
            if let Meaning::Since(since) = self.keys.note(entry, &mut self.tally, &mut faults) {
                faults.extend(self.learn(entry, since).map(|kind| Fault::of(kind, entry)));
                meant.push((entry, since));
            }
        }
        // Refusals are judged when everything that excuses them is known.
        for (entry, since) in meant {
            faults.extend(self.judge(entry, since).map(|kind| Fault::of(kind, entry)));
        }
        faults
    }

    /// Forgets what later changes have made unimportant. Nothing may be under way,
    /// and no unknown request may be asked for again afterwards.
    pub fn settle(&mut self) {
        for life in self.tokens.values_mut() {
            life.settle();
        }
    }

    /// Two retries, one after the other, of a request without a known answer.
    pub fn compare(&mut self, first: &Entry, second: &Entry) -> Option<Fault> {
        self.tally.resolved += 1;
        (!first.agrees_with(second)).then(|| Fault::of(Kind::RetriesDiffer, second))
    }

    /// How many tokens the daemon says it holds; `shown_by` says where.
    pub fn check_count(&self, told: u64, shown_by: &str) -> Option<Fault> {
        let (least, perhaps) = (self.tokens.len() as u64, self.unheard.len() as u64);
        let shown_by = format!("{shown_by}: {told}; made: {least}, perhaps {perhaps} more");
        (!(least..=least + perhaps).contains(&told)).then_some(Fault { kind: Kind::TokenCount, shown_by })
    }

    /// Takes what is now known, and tells what cannot be.
    fn learn(&mut self, entry: &Entry, since: u64) -> Option<Kind> {
        if let Ask::Provision { .. } = entry.ask {
            return self.learn_provision(entry, since);
        }
        if let (Ask::Change { .. }, Some(_)) = (&entry.ask, entry.told()) {
            self.tally.changes += 1;
        }
        self.tokens.get_mut(&entry.ask.token()?.number)?.learn(entry, since)
    }

    fn learn_provision(&mut self, entry: &Entry, since: u64) -> Option<Kind> {
        match (&entry.outcome, entry.told()) {
            (_, Some(Told::Token(view))) => {
                self.unheard.retain(|key| Some(*key) != entry.key);
                self.tally.provisioned += 1;
                let life = Life::new(view, since, entry.ended);
                self.tokens.insert(view.token, life).map(|_| Kind::TokenTwice)
            }
            (_, Some(_)) => Some(Kind::OtherReply),
            (Outcome::Unknown, None) => {
                self.unheard.extend(entry.key);
                None
            }
            (_, None) => None,
        }
    }

    fn judge(&mut self, entry: &Entry, since: u64) -> Option<Kind> {
        let Some(token) = entry.ask.token() else { return entry.status().map(Kind::Unexpected) };
        let Some(life) = self.tokens.get_mut(&token.number) else { return Some(Kind::TokenLost) };
        match &entry.outcome {
            Outcome::Unknown => None,
            Outcome::Refused(status) => life.judge_refusal(entry, *status),
            Outcome::Acknowledged(answer) => life.judge_reply(entry, since, &answer.told),
        }
    }
}
