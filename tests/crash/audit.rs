//! After each start: asks the daemon about everything that it acknowledged, and
//! about what nobody knows. The model judges the answers.

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::ask::{Ask, Digits};
use crate::board::{Board, Paid, take, verification};
use crate::connection::{Connection, End, Request};
use crate::log::{Entry, Key};
use crate::model::{Fault, Model};
use crate::wallet::Token;

/// Requests in one batch frame.
const BATCH: usize = 200;
/// Frames under way at a time.
const DEPTH: usize = 64;
/// How many of the old things of each kind are asked about again.
const SAMPLE: usize = 60;
/// Unpresented cryptograms that are left for later rounds.
const LEFT: usize = 300;
/// Tokens whose newest are looked at; of the others a sample is.
const NEWEST: usize = 64;
/// Misses that lock a token's short values.
const MISSES: usize = 5;

/// Connects to another daemon that holds the same.
pub type Elsewhere<'c> = Box<dyn FnMut() -> Result<Connection<'c>, String> + 'c>;

/// Checks of one start, on the admin socket.
pub struct Audit<'a, 'c> {
    pub connection: Connection<'c>,
    /// Where to go on if the daemon goes away; that is a failure without.
    pub elsewhere: Option<Elsewhere<'c>>,
    pub model: &'a mut Model,
    pub board: &'a mut Board,
    pub rng: Rng,
    /// Asks about all that there is, not about samples.
    pub thorough: bool,
    pub faults: Vec<Fault>,
    pub checked: usize,
    pub log: Vec<Entry>,
}

impl Audit<'_, '_> {
    /// Asks about everything.
    pub fn run(&mut self) -> Result<(), String> {
        self.all().map_err(told)
    }

    /// Asks this and has it judged.
    pub fn ask_all(&mut self, requests: Vec<Request>) -> Result<(), String> {
        self.ask(requests).map(drop).map_err(told)
    }

    fn all(&mut self) -> Result<(), End> {
        let tokens = self.tokens();
        self.ask(tokens.iter().map(|token| (Ask::Show { token: *token }, None)).collect())?;
        self.unknown_keys()?;
        self.known_keys()?;
        let told = self.connection.token_count()?;
        self.faults.extend(self.model.check_count(told, "status"));
        self.resume(&tokens)?;
        self.counters()?;
        self.used()?;
        self.lost()?;
        self.fresh()?;
        self.shorts()?;
        self.pans(&tokens)
    }

    /// A request whose outcome is unknown gives one answer, twice; and if it was
    /// done, another request with its key does not pass.
    fn unknown_keys(&mut self) -> Result<(), End> {
        let lost = std::mem::take(&mut self.board.lost_keyed);
        // Both at once: a change of status between them could make them differ.
        let twice = lost.iter().flat_map(|(ask, key)| [(*ask, Some(*key)); 2]).collect();
        let answers = self.ask(twice)?;
        let both = |pair: &&[Entry]| !pair.iter().any(Entry::is_unknown);
        for pair in answers.chunks_exact(2).filter(both) {
            self.faults.extend(self.model.compare(&pair[0], &pair[1]));
        }
        let done = answers.iter().step_by(2).filter(|entry| entry.told().is_some());
        let done: Vec<_> = done.filter_map(|entry| Some((entry.ask, entry.key?))).collect();
        self.conflicts(&done)
    }

    /// An acknowledged request gives its bytes again, and another one with its
    /// key does not pass.
    fn known_keys(&mut self) -> Result<(), End> {
        let mut known = std::mem::take(&mut self.board.just_keyed);
        known.extend(sample(&self.board.keyed, &mut self.rng, self.thorough));
        self.ask(known.iter().map(|(ask, key)| (*ask, Some(*key))).collect())?;
        let some: Vec<_> = known.into_iter().filter(|_| self.rng.bool()).collect();
        self.conflicts(&some)
    }

    fn conflicts(&mut self, known: &[(Ask, Key)]) -> Result<(), End> {
        self.ask(known.iter().map(|(ask, key)| (ask.another(), Some(*key))).collect()).map(drop)
    }

    /// Looks at the tokens again and resumes the suspended ones, so that the rest
    /// can be asked.
    fn resume(&mut self, tokens: &[Token]) -> Result<(), End> {
        let shown = self.ask(tokens.iter().map(|token| (Ask::Show { token: *token }, None)).collect())?;
        let suspended = shown.iter().filter(|entry| {
            matches!(entry.told(), Some(crate::log::Told::Token(view))
                if view.providers.overall() == tallystick::types::TokenStatus::Suspended)
        });
        let resume = |token| (Ask::Change { token, active: true }, None);
        let resumed = suspended.filter_map(|entry| entry.ask.token()).map(resume).collect();
        self.ask(resumed).map(drop)
    }

    /// The next counter of each token lies above all that were acknowledged.
    fn counters(&mut self) -> Result<(), End> {
        let units = self.rng.u64(1..1_000_000);
        let live = self.board.live_tokens();
        self.ask(live.into_iter().map(|token| (Ask::Issue { token, units }, None)).collect()).map(drop)
    }

    /// What was consumed is refused.
    fn used(&mut self) -> Result<(), End> {
        let mut used = std::mem::take(&mut self.board.just_used);
        used.extend(sample(&self.board.used, &mut self.rng, self.thorough));
        self.verify(&used)
    }

    /// What was perhaps consumed is accepted once more at most.
    fn lost(&mut self) -> Result<(), End> {
        let keep = if self.thorough { 0 } else { self.board.lost.len() / 4 };
        let lost = self.board.lost.split_off(keep);
        self.verify(&lost)?;
        self.verify(&lost)
    }

    /// What was issued is accepted, and then not again. Some is left for later.
    fn fresh(&mut self) -> Result<(), End> {
        let leave = if self.thorough { 0 } else { LEFT };
        let mut fresh = Vec::new();
        while self.board.fresh.len() > leave {
            fresh.extend(take(&mut self.board.fresh, self.rng.u64(..)));
        }
        // From the oldest on, so that the window lets most of them in.
        fresh.sort_by_key(|(_, _, cryptogram)| cryptogram.header().map_or(0, |header| header.atc.get()));
        self.verify(&fresh)?;
        let again = sample(&fresh, &mut self.rng, self.thorough);
        self.verify(&again)
    }

    /// Short values: outstanding ones pass, used ones do not, five misses lock.
    fn shorts(&mut self) -> Result<(), End> {
        // What was locked before the kill is locked.
        let locked = std::mem::take(&mut self.board.locked);
        self.unlock(locked)?;
        let half = self.board.shorts.len() / 2;
        let mut tried = self.board.shorts.split_off(half);
        let used = std::mem::take(&mut self.board.used_shorts);
        tried.extend(used.iter().rev().take(SAMPLE / 4));
        let told = self.ask(tried.into_iter().map(short_verification).collect())?;
        let missed = told.iter().filter(|entry| entry.status().is_some());
        let mut tokens: Vec<_> = missed.filter_map(|entry| entry.ask.token()).collect();
        tokens.sort_by_key(|token| token.number);
        tokens.dedup();
        self.unlock(tokens)?;
        if let Some(used) = used.last() {
            self.ask(vec![short_verification(*used); MISSES])?;
            self.board.locked.push(used.0);
        }
        Ok(())
    }

    /// Looks whether the short values of tokens are locked, and clears the locks.
    fn unlock(&mut self, tokens: Vec<Token>) -> Result<(), End> {
        let issue = |token: &Token| (Ask::IssueShort { token: *token, more: 0 }, None);
        self.ask(tokens.iter().map(issue).collect())?;
        self.ask(tokens.into_iter().map(|token| (Ask::ClearShortLock { token }, None)).collect()).map(drop)
    }

    fn pans(&mut self, tokens: &[Token]) -> Result<(), End> {
        let some = sample(tokens, &mut self.rng, self.thorough);
        self.ask(some.into_iter().map(|token| (Ask::Detokenize { token }, None)).collect()).map(drop)
    }

    fn verify(&mut self, paid: &[Paid]) -> Result<(), End> {
        self.ask(paid.iter().map(|paid| (verification(paid), None)).collect()).map(drop)
    }

    /// The tokens that are looked at: the first, the newest, and some between.
    fn tokens(&mut self) -> Vec<Token> {
        let all = &self.board.tokens;
        if self.thorough || all.len() <= 2 * NEWEST {
            return all.clone();
        }
        let (old, newest) = all.split_at(all.len() - NEWEST);
        let (first, between) = old.split_at(NEWEST);
        [first, newest, &sample(between, &mut self.rng, false)].concat()
    }

    /// Asks, waits for every answer and has them judged; in the order asked.
    fn ask(&mut self, requests: Vec<Request>) -> Result<Vec<Entry>, End> {
        let mut answers: Vec<Vec<Entry>> = Vec::new();
        let (mut frames, mut ids) = (frames(requests).into_iter(), BTreeMap::new());
        while let Err(end) = self.exchange(&mut frames, &mut ids, &mut answers) {
            let (End::Gone | End::Away, Some(elsewhere)) = (&end, &mut self.elsewhere) else {
                return Err(end);
            };
            let connection = elsewhere().map_err(End::Wrong)?;
            for (id, unknown) in std::mem::replace(&mut self.connection, connection).give_up_frames() {
                answers[ids[&id]] = unknown;
            }
            ids.clear();
        }
        let entries = answers.concat();
        self.checked += entries.len();
        self.faults.extend(self.model.absorb(&entries));
        entries.iter().for_each(|entry| self.board.learn(entry));
        self.log.extend_from_slice(&entries);
        Ok(entries)
    }
}

impl Audit<'_, '_> {
    /// Sends frames and takes their answers, until there are no more of either.
    fn exchange(
        &mut self,
        frames: &mut impl Iterator<Item = Vec<Request>>,
        ids: &mut BTreeMap<u64, usize>,
        answers: &mut Vec<Vec<Entry>>,
    ) -> Result<(), End> {
        loop {
            while self.connection.under_way() < DEPTH
                && let Some(frame) = frames.next()
            {
                // What cannot be sent whole is not known to have been done either.
                answers.push(self.connection.unanswered(frame.clone()));
                ids.insert(self.connection.send(frame)?, answers.len() - 1);
            }
            if self.connection.under_way() == 0 {
                return Ok(());
            }
            let (id, entries) = self.connection.receive()?;
            answers[ids[&id]] = entries;
        }
    }
}

fn told(end: End) -> String {
    match end {
        End::Gone | End::Away => "the daemon went away while it was asked".to_owned(),
        End::Wrong(what) => what,
    }
}

const fn short_verification((token, value): (Token, Digits)) -> Request {
    (Ask::VerifyShort { token, value }, None)
}

/// Puts neighbouring issues and neighbouring verifications into batches.
fn frames(requests: Vec<Request>) -> Vec<Vec<Request>> {
    let kind = |(ask, _): &Request| match ask {
        Ask::Issue { .. } => 1,
        Ask::Verify { .. } => 2,
        _ => 0,
    };
    let mut frames: Vec<Vec<Request>> = Vec::new();
    for request in requests {
        match frames.last_mut() {
            Some(last) if kind(&request) > 0 && kind(&last[0]) == kind(&request) && last.len() < BATCH => {
                last.push(request);
            }
            _ => frames.push(vec![request]),
        }
    }
    frames
}

/// Some of a list, or all.
fn sample<T: Clone>(list: &[T], rng: &mut Rng, all: bool) -> Vec<T> {
    if all { list.to_vec() } else { rng.choose_multiple(list.iter().cloned(), SAMPLE) }
}
