//! What all connections know together, and draw their requests from. Nothing is
//! checked with it: it only finds something to ask.

use std::collections::BTreeSet;

use tallystick::types::Cryptogram;
use tallystick::wire::Status;

use crate::ask::{Ask, Digits};
use crate::connection::Request;
use crate::log::{Entry, Key, Outcome, Told};
use crate::plan::{Act, Of, Step};
use crate::wallet::{Card, Token};

/// Tokens that are provisioned before the first round.
pub const FIRST_TOKENS: usize = 48;
/// Of those provisioned later, only so many of the newest are paid with.
const NEWEST_TOKENS: usize = 16;
/// Every eighth token is suspended at times.
const SUSPENDED: usize = 8;
/// At least so many used cryptograms are kept for presenting again.
const MOST_KEPT: usize = 20_000;

/// A cryptogram and what it is for.
pub type Paid = (Token, u64, Cryptogram);

/// What is known.
#[derive(Debug, Default)]
pub struct Board {
    pub tokens: Vec<Token>,
    next_card: u32,
    /// Issued and never presented.
    pub fresh: Vec<Paid>,
    /// Accepted.
    pub used: Vec<Paid>,
    /// Accepted since the last checks.
    pub just_used: Vec<Paid>,
    /// Presented, and no reply came.
    pub lost: Vec<Paid>,
    pub shorts: Vec<(Token, Digits)>,
    pub used_shorts: Vec<(Token, Digits)>,
    /// Tokens whose short values were left locked.
    pub locked: Vec<Token>,
    /// Acknowledged requests with their idempotency keys.
    pub keyed: Vec<(Ask, Key)>,
    /// The same, since the last checks.
    pub just_keyed: Vec<(Ask, Key)>,
    /// Requests with an idempotency key of which no attempt was answered.
    pub lost_keyed: Vec<(Ask, Key)>,
    known_keys: BTreeSet<Key>,
}

impl Board {
    /// The requests of a step; they go into one frame.
    pub fn requests(&mut self, step: &Step) -> Vec<Request> {
        let Step { act, pick, units, key } = *step;
        let one = |ask: Option<Ask>| ask.map(|ask| vec![(ask, key)]);
        let found = match act {
            Act::Issue => None,
            Act::IssueMany { count, spread } => Some(self.issues(step, count, spread)),
            Act::Verify(Of::Fresh) | Act::VerifyTwice => {
                one(take(&mut self.fresh, pick).map(|paid| verification(&paid)))
            }
            Act::Verify(Of::Used) => one(pick_of(&self.used, pick).map(verification)),
            Act::Verify(Of::Lost) => one(take(&mut self.lost, pick).map(|paid| verification(&paid))),
            Act::VerifyMany { count } => self.verifications(pick, count),
            Act::IssueShort => one(Some(Ask::IssueShort { token: self.token(pick), more: 0 })),
            Act::VerifyShort => {
                one(take(&mut self.shorts, pick).map(|(token, value)| Ask::VerifyShort { token, value }))
            }
            Act::Provision => one(Some(self.provision())),
            Act::Suspend => one(Some(Ask::Change { token: self.at_times_suspended(pick), active: false })),
            Act::Resume => one(Some(Ask::Change { token: self.at_times_suspended(pick), active: true })),
            Act::Show => one(Some(Ask::Show { token: self.token(pick) })),
            Act::Detokenize => one(Some(Ask::Detokenize { token: self.token(pick) })),
            Act::Repeat => pick_of(&self.keyed, pick).map(|(ask, key)| vec![(*ask, Some(*key))]),
            Act::Conflict => pick_of(&self.keyed, pick).map(|(ask, key)| vec![(ask.another(), Some(*key))]),
        };
        found.unwrap_or_else(|| vec![(Ask::Issue { token: self.token(pick), units }, key)])
    }

    /// Takes back what was not sent.
    pub fn put_back(&mut self, requests: &[Request]) {
        for (ask, _) in requests {
            if let Ask::Verify { token, units, cryptogram } = *ask {
                self.lost.push((token, units, cryptogram));
            }
        }
    }

    /// The request that saves the next card.
    pub fn provision(&mut self) -> Ask {
        let card = Card(self.next_card);
        self.next_card += 1;
        Ask::Provision { card, reference: 0 }
    }

    /// The tokens that are paid with.
    pub fn live_tokens(&self) -> Vec<Token> {
        let newest = self.tokens.len().saturating_sub(NEWEST_TOKENS).max(FIRST_TOKENS);
        let first = &self.tokens[..FIRST_TOKENS.min(self.tokens.len())];
        first.iter().chain(self.tokens.get(newest..).unwrap_or_default()).copied().collect()
    }

    /// Takes note of an answer, or of there being none.
    pub fn learn(&mut self, entry: &Entry) {
        if let Some(key) = entry.key {
            // The same again, or a conflict: nothing new in either.
            if self.known_keys.contains(&key) {
                return;
            }
            self.learn_key(entry, key);
        }
        match (&entry.ask, &entry.outcome) {
            (Ask::Verify { token, units, cryptogram }, outcome) => {
                self.learn_verification((*token, *units, *cryptogram), outcome);
            }
            (Ask::VerifyShort { token, value }, Outcome::Acknowledged(_)) => {
                self.used_shorts.push((*token, *value));
            }
            (Ask::VerifyShort { token, value }, Outcome::Refused(Status::TokenSuspended)) => {
                self.shorts.push((*token, *value));
            }
            (ask, Outcome::Acknowledged(answer)) => self.learn_reply(ask, &answer.told),
            _ => {}
        }
        if self.used.len() > 2 * MOST_KEPT {
            self.used.drain(..MOST_KEPT);
        }
    }

    fn learn_key(&mut self, entry: &Entry, key: Key) {
        match &entry.outcome {
            Outcome::Acknowledged(_) => {
                self.known_keys.insert(key);
                self.keyed.push((entry.ask, key));
                self.just_keyed.push((entry.ask, key));
            }
            Outcome::Unknown => self.lost_keyed.push((entry.ask, key)),
            Outcome::Refused(_) => {}
        }
    }

    fn learn_verification(&mut self, paid: Paid, outcome: &Outcome) {
        match outcome {
            Outcome::Acknowledged(_) => {
                self.used.push(paid);
                self.just_used.push(paid);
            }
            Outcome::Refused(Status::TokenSuspended) => self.fresh.push(paid),
            Outcome::Refused(_) => {}
            Outcome::Unknown => self.lost.push(paid),
        }
    }

    fn learn_reply(&mut self, ask: &Ask, told: &Told) {
        match (ask, told) {
            (Ask::Issue { token, units }, Told::Issued { cryptogram, .. }) => {
                self.fresh.push((*token, *units, *cryptogram));
            }
            (Ask::IssueShort { token, .. }, Told::IssuedShort { value, .. }) => {
                self.shorts.push((*token, *value));
            }
            (Ask::Provision { card, .. }, Told::Token(view)) => {
                let token = Token::of(view, *card);
                if !self.tokens.contains(&token) {
                    self.tokens.push(token);
                }
            }
            _ => {}
        }
    }

    fn issues(&self, step: &Step, count: u32, spread: bool) -> Vec<Request> {
        let issue = |nth: u32| {
            let pick = if spread { step.pick.wrapping_add(nth.into()) } else { step.pick };
            let key = step.key.map(|Key(first)| Key(first + u64::from(nth)));
            (Ask::Issue { token: self.token(pick), units: step.units + u64::from(nth) }, key)
        };
        (0..count).map(issue).collect()
    }

    fn verifications(&mut self, pick: u64, count: u32) -> Option<Vec<Request>> {
        let paid: Vec<Paid> =
            (0..count).map_while(|nth| take(&mut self.fresh, pick.wrapping_add(nth.into()))).collect();
        (!paid.is_empty()).then(|| paid.iter().map(|paid| (verification(paid), None)).collect())
    }

    fn token(&self, pick: u64) -> Token {
        let live = self.live_tokens();
        live[index(pick, live.len())]
    }

    fn at_times_suspended(&self, pick: u64) -> Token {
        let all: Vec<_> = self.live_tokens().into_iter().step_by(SUSPENDED).collect();
        all[index(pick, all.len())]
    }
}

/// The request that verifies a cryptogram.
pub const fn verification(paid: &Paid) -> Ask {
    let (token, units, cryptogram) = *paid;
    Ask::Verify { token, units, cryptogram }
}

/// Takes one out of a list, if there is any.
pub fn take<T>(list: &mut Vec<T>, pick: u64) -> Option<T> {
    (!list.is_empty()).then(|| list.swap_remove(index(pick, list.len())))
}

fn pick_of<T>(list: &[T], pick: u64) -> Option<&T> {
    list.get(index(pick, list.len().max(1)))
}

fn index(pick: u64, len: usize) -> usize {
    usize::try_from(pick % len as u64).unwrap()
}
