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
mod peaks;
mod shorts;
mod tally;

pub use fault::{Fault, Kind};
pub use tally::Tally;

use std::collections::{BTreeMap, BTreeSet};

use tallystick::command::TokenView;
use tallystick::types::{ProviderStates, TokenNumber, TokenStatus};
use tallystick::wire::Status;

use crate::ask::Ask;
use crate::log::{Entry, Key, Outcome, Told};
use counters::Counters;
use history::History;
use keys::{Keys, Meaning};
use shorts::Shorts;

/// Everything the client knows.
#[derive(Debug, Clone, Default)]
pub struct Model {
    keys: Keys,
    tokens: BTreeMap<TokenNumber, Life>,
    /// Provisions that nobody knows the outcome of.
    unheard: BTreeSet<Key>,
    pub tally: Tally,
}

/// A token.
#[derive(Debug, Clone)]
struct Life {
    view: TokenView,
    counters: Counters,
    history: History,
    shorts: Shorts,
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
            life.history.settle();
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
        let life = self.tokens.get_mut(&entry.ask.token()?.number)?;
        match (&entry.ask, entry.told()) {
            (Ask::Issue { .. }, Some(Told::Issued { atc, .. })) => {
                life.counters.issue(*atc, since, entry.ended)
            }
            (Ask::IssueShort { .. }, Some(Told::IssuedShort { atc, value })) => {
                life.shorts.heard(entry.key);
                life.shorts.issue(*atc, *value);
                life.counters.issue(*atc, since, entry.ended)
            }
            (Ask::Verify { cryptogram, .. }, Some(Told::Accepted { atc })) => {
                let presented = cryptogram.header().map(|header| header.atc.get());
                let other = (presented != Ok(*atc)).then_some(Kind::AcceptedOther);
                life.counters.accept(*atc, entry, since).or(other)
            }
            (Ask::VerifyShort { value, .. }, Some(Told::Accepted { atc })) => {
                let wrong = life.shorts.accept(*atc, *value, entry.sent);
                life.counters.accept(*atc, entry, since).or(wrong)
            }
            (Ask::Change { active, .. }, Some(Told::Token(view))) => {
                self.tally.changes += 1;
                life.history.note(*active, since, entry.ended, true);
                (is_active(view) != Some(*active)).then_some(Kind::StatusWrong)
            }
            (Ask::ClearShortLock { .. }, Some(Told::Token(_))) => {
                life.shorts.clear();
                None
            }
            (Ask::Show { .. }, Some(Told::Token(_))) | (Ask::Detokenize { .. }, Some(Told::Pan { .. })) => {
                None
            }
            (_, Some(_)) => Some(Kind::OtherReply),
            (_, None) => {
                life.learn_without_reply(entry);
                None
            }
        }
    }

    fn learn_provision(&mut self, entry: &Entry, since: u64) -> Option<Kind> {
        match (&entry.outcome, entry.told()) {
            (_, Some(Told::Token(view))) => {
                self.unheard.retain(|key| Some(*key) != entry.key);
                self.tally.provisioned += 1;
                let mut history = History::default();
                history.note(true, since, entry.ended, true);
                let life = Life {
                    view: (**view).clone(),
                    counters: Counters::default(),
                    history,
                    shorts: Shorts::default(),
                };
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

impl Life {
    /// An unknown request, or a refusal that is counted.
    fn learn_without_reply(&mut self, entry: &Entry) {
        match (&entry.ask, &entry.outcome) {
            (Ask::Verify { cryptogram, .. }, Outcome::Unknown) => {
                let atc = cryptogram.header().unwrap().atc.get();
                self.counters.perhaps(atc, entry);
            }
            (Ask::IssueShort { .. }, Outcome::Unknown) => self.shorts.issue_perhaps(entry.key, entry.sent),
            // Had it been done, its key would give the answer.
            (Ask::IssueShort { .. }, Outcome::Refused(_)) => self.shorts.heard(entry.key),
            (Ask::VerifyShort { value, .. }, Outcome::Unknown) => {
                let atc = self.shorts.use_perhaps(*value, entry.sent);
                atc.inspect(|atc| self.counters.perhaps(*atc, entry));
            }
            (Ask::VerifyShort { .. }, Outcome::Refused(Status::ShortMismatch)) => {
                self.shorts.miss(entry.sent, entry.ended);
            }
            (Ask::Change { active, .. }, Outcome::Unknown) => {
                self.history.note(*active, entry.sent, entry.ended, false);
            }
            _ => {}
        }
    }

    fn judge_refusal(&self, entry: &Entry, status: Status) -> Option<Kind> {
        match (&entry.ask, status) {
            (_, Status::UnknownToken) => Some(Kind::TokenLost),
            (
                Ask::Issue { .. } | Ask::Verify { .. } | Ask::IssueShort { .. } | Ask::VerifyShort { .. },
                Status::TokenSuspended,
            ) => {
                let may = self.history.may_be(false, entry.sent, entry.ended);
                (!may).then_some(Kind::RefusedActive)
            }
            (Ask::Verify { cryptogram, .. }, _) => {
                self.counters.judge_refusal(cryptogram.header().unwrap().atc.get(), entry, status)
            }
            (Ask::IssueShort { .. }, _) => self.shorts.judge_refusal(None, entry, status),
            (Ask::VerifyShort { value, .. }, Status::Replayed | Status::BehindWindow) => {
                // Of several equal values it may have been any.
                let mut verdicts = self
                    .shorts
                    .counters_of(*value)
                    .map(|atc| self.counters.judge_refusal(atc, entry, status));
                (!verdicts.any(|verdict| verdict.is_none())).then_some(Kind::RefusedGood(status))
            }
            (Ask::VerifyShort { value, .. }, _) => self.shorts.judge_refusal(Some(*value), entry, status),
            _ => Some(Kind::Unexpected(status)),
        }
    }

    fn judge_reply(&mut self, entry: &Entry, since: u64, told: &Told) -> Option<Kind> {
        match (&entry.ask, told) {
            (Ask::Issue { .. } | Ask::Verify { .. }, _) => self.judge_use(entry, since),
            (Ask::IssueShort { .. } | Ask::VerifyShort { .. }, _) => {
                self.judge_use(entry, since).or_else(|| self.shorts.judge_service(since))
            }
            (Ask::Show { .. }, Told::Token(view)) => {
                let changed = self.judge_view(view);
                let active = is_active(view);
                let may = active.is_some_and(|active| self.history.may_be(active, entry.sent, entry.ended));
                // What was seen holds as if it had just been set.
                self.history.note(active.unwrap_or(true), entry.sent, entry.ended, true);
                changed.or((!may).then_some(Kind::StatusWrong))
            }
            (_, Told::Token(view)) => self.judge_view(view),
            (_, Told::Pan { right }) => (!right).then_some(Kind::PanWrong),
            _ => None,
        }
    }

    /// Whether the token can have been active when it was used: a retry may give
    /// the answer to an attempt before it.
    fn judge_use(&self, entry: &Entry, since: u64) -> Option<Kind> {
        let may = self.history.may_be(true, since, entry.ended);
        (!may).then_some(Kind::UsedSuspended)
    }

    /// Whether everything but the status is as it was acknowledged.
    fn judge_view(&self, view: &TokenView) -> Option<Kind> {
        let names = |states: &ProviderStates| -> Vec<_> {
            states.as_slice().iter().map(|(name, _)| name.as_str().to_owned()).collect()
        };
        let same = TokenView { providers: self.view.providers.clone(), ..view.clone() } == self.view
            && names(&view.providers) == names(&self.view.providers);
        (!same).then_some(Kind::TokenChanged)
    }
}

/// Whether a token is active; none if it is neither that nor suspended.
fn is_active(view: &TokenView) -> Option<bool> {
    match view.providers.overall() {
        TokenStatus::Active => Some(true),
        TokenStatus::Suspended => Some(false),
        TokenStatus::Initiated | TokenStatus::Deactivated(_) => None,
    }
}
