//! What the client knows of one token.

use tallystick::command::TokenView;
use tallystick::types::{ProviderStates, TokenStatus};
use tallystick::wire::Status;

use super::counters::Counters;
use super::fault::Kind;
use super::history::History;
use super::shorts::Shorts;
use crate::ask::Ask;
use crate::log::{Entry, Outcome, Told};

/// A token.
#[derive(Debug, Clone)]
pub struct Life {
    view: TokenView,
    counters: Counters,
    history: History,
    shorts: Shorts,
}

impl Life {
    /// A token that was asked for at `since` and acknowledged at `ended`.
    pub fn new(view: &TokenView, since: u64, ended: u64) -> Self {
        let mut history = History::default();
        history.note(true, since, ended, true);
        Self { view: view.clone(), counters: Counters::default(), history, shorts: Shorts::default() }
    }

    /// Forgets what later changes have made unimportant.
    pub fn settle(&mut self) {
        self.history.settle();
    }

    /// Takes what is now known, and tells what cannot be.
    pub fn learn(&mut self, entry: &Entry, since: u64) -> Option<Kind> {
        match (&entry.ask, entry.told()) {
            (Ask::Issue { .. }, Some(Told::Issued { atc, .. })) => {
                self.counters.issue(*atc, since, entry.ended)
            }
            (Ask::IssueShort { .. }, Some(Told::IssuedShort { atc, value })) => {
                self.shorts.heard(entry.key);
                self.shorts.issue(*atc, *value);
                self.counters.issue(*atc, since, entry.ended)
            }
            (Ask::Verify { cryptogram, .. }, Some(Told::Accepted { atc })) => {
                let presented = cryptogram.header().map(|header| header.atc.get());
                let other = (presented != Ok(*atc)).then_some(Kind::AcceptedOther);
                self.counters.accept(*atc, entry, since).or(other)
            }
            (Ask::VerifyShort { value, .. }, Some(Told::Accepted { atc })) => {
                let wrong = self.shorts.accept(*atc, *value, entry.sent);
                self.counters.accept(*atc, entry, since).or(wrong)
            }
            (Ask::Change { active, .. }, Some(Told::Token(view))) => {
                self.history.note(*active, since, entry.ended, true);
                (is_active(view) != Some(*active)).then_some(Kind::StatusWrong)
            }
            (Ask::ClearShortLock { .. }, Some(Told::Token(_))) => {
                self.shorts.clear();
                None
            }
            (Ask::Show { .. }, Some(Told::Token(_))) | (Ask::Detokenize { .. }, Some(Told::Pan { .. })) => {
                None
            }
            (_, Some(_)) => Some(Kind::OtherReply),
            (_, None) => {
                self.learn_without_reply(entry);
                None
            }
        }
    }

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

    /// Whether a refusal was right.
    pub fn judge_refusal(&self, entry: &Entry, status: Status) -> Option<Kind> {
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
            (Ask::VerifyShort { value, .. }, Status::BehindWindow) => {
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

    /// Whether a reply was right.
    pub fn judge_reply(&mut self, entry: &Entry, since: u64, told: &Told) -> Option<Kind> {
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
