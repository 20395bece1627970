//! Executing a command: the checks that all share, then one file an operation.

mod card_value;
mod change_status;
mod clear_short_lock;
mod detokenize;
mod emv;
mod hold;
mod issue;
mod issue_short;
mod link_par;
mod list;
mod of_pan;
mod provision;
mod renew;
mod reseal;
mod show;
mod token;
mod verify;
mod verify_short;

pub(super) use provision::associated;

use super::idempotency::{RequestDigest, scope};
use super::{Answer, Context, Engine, Mint, Pending, Proof, Unsealed};
use crate::command::{Command, Operation, Refusal, Reply, Request};
use crate::store::{TokenRow, TokenSlot};
use crate::types::Trid;
use verify::Missed;

/// What must be read from the store before an operation can be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// The row of a token.
    Row(TokenSlot),
    /// A page of a requestor's rows.
    Rows {
        /// The requestor.
        trid: Trid,
        /// Where the page before ended.
        after: Option<TokenSlot>,
        /// Most rows.
        limit: usize,
    },
    /// Rows of all requestors, ascending.
    Range {
        /// Where the range before ended.
        after: Option<TokenSlot>,
        /// Most rows.
        limit: usize,
    },
}

/// What was read from the store for an operation.
#[derive(Debug, Default)]
pub enum Fetched {
    /// Nothing yet.
    #[default]
    Nothing,
    /// A token's row.
    Row(TokenRow),
    /// A page of rows.
    Rows(Vec<TokenRow>),
    /// The store has no such row, or gives an older one however often it is asked:
    /// it does not hold what was written.
    Missing,
}

/// Where an execution ended.
#[derive(Debug)]
pub enum Outcome<'a> {
    /// Decided; the answer waits for its commit.
    Answer(Pending<Answer<'a>>),
    /// Not decided, nothing changed: execute it again with what is needed.
    Fetch(Need),
}

/// Why an operation ended before its answer.
#[derive(Debug)]
enum Stop {
    Refuse(Refusal),
    Fetch(Need),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}

impl Engine<Unsealed> {
    /// Executes a request. For a verification, `proof` may hand in what
    /// [`Mint::prove`] found outside the lock; it must be of this very request.
    pub fn execute<'a>(
        &mut self,
        context: Context<'_>,
        request: &Request<'a>,
        proof: Option<Proof>,
        fetched: &Fetched,
    ) -> Outcome<'a> {
        let answer = match self.answer(context, request, proof, fetched) {
            Ok(answer) => answer,
            Err(Stop::Refuse(refusal)) => Answer::Ready(Err(refusal)),
            Err(Stop::Fetch(need)) => return Outcome::Fetch(need),
        };
        Outcome::Answer(Pending::new(answer, self.horizon()))
    }

    fn answer<'a>(
        &mut self,
        context: Context<'_>,
        request: &Request<'a>,
        proof: Option<Proof>,
        fetched: &Fetched,
    ) -> Result<Answer<'a>, Stop> {
        let operation = request.command.operation();
        if !context.caller.roles().has_any(operation.roles()) {
            return Err(Refusal::RoleMissing.into());
        }
        if operation.is_of_field() && context.caller.is_limited() {
            return Err(Refusal::TridNotAllowed.into());
        }
        if operation.is_writing() && self.state.open.len() >= self.config.limits.group {
            return Err(Refusal::Busy.into());
        }
        let Some(key) = request.idempotency else {
            self.check_open(operation)?;
            return self.dispatch(context, &request.command, proof, fetched);
        };
        let scope = scope(context.caller.name(), operation.name(), key);
        let state = &self.state;
        if let Some(reply) = state.memory.recall(&state.keyring, &scope, request.body, context.now)? {
            return Ok(Answer::Ready(Ok(reply)));
        }
        self.check_open(operation)?;
        let state = &self.state;
        if state.memory.len() >= self.config.limits.idempotency_keys {
            return Err(Refusal::Busy.into());
        }
        let answer = self.dispatch(context, &request.command, proof, fetched)?;
        Ok(Answer::Ready(self.remember(context, scope, request.body, answer)))
    }

    /// Whether something new is taken on; reading always is.
    fn check_open(&self, operation: Operation) -> Result<(), Refusal> {
        match self.state.closed {
            Some(why) if operation.is_writing() => Err(why),
            _ => Ok(()),
        }
    }

    /// Remembers the reply of a request with an idempotency key. A refusal is
    /// not remembered: the same request may pass later.
    fn remember(
        &mut self,
        context: Context<'_>,
        scope: Vec<u8>,
        body: &[u8],
        answer: Answer<'_>,
    ) -> Result<Reply, Refusal> {
        let state = &mut self.state;
        let reply = match answer {
            Answer::Ready(reply) => reply?,
            Answer::Issue(task) => Reply::Issued(Mint::new(&state.keyring).issue(&task)?),
        };
        let digest = RequestDigest::of(&state.keyring, body);
        let seconds = context.now.seconds().saturating_add(self.config.limits.idempotency_seconds);
        let expires = crate::types::UnixTime::from_seconds(seconds);
        state.open.records.extend(state.memory.remember(scope, digest, expires, &reply));
        Ok(reply)
    }

    fn dispatch<'a>(
        &mut self,
        context: Context<'_>,
        command: &Command<'a>,
        proof: Option<Proof>,
        fetched: &Fetched,
    ) -> Result<Answer<'a>, Stop> {
        let reply = match command {
            Command::Issue(issue) => return Ok(Answer::Issue(self.issue(context, issue)?)),
            Command::Verify(verify) => self
                .verify(context, verify, proof)
                .map_err(|why| self.disguise(context, Missed::Cryptogram(verify.token), why))?,
            Command::IssueShort(issue) => self.issue_short(context, &issue.0)?,
            Command::VerifyShort(verify) => self
                .verify_short(context, verify)
                .map_err(|why| self.disguise(context, Missed::ShortValue(verify.token), why))?,
            Command::Provision(provision) => self.provision(context, provision)?,
            Command::Show(token) => self.show(context, *token, fetched)?,
            Command::List(list) => self.list(context, list, fetched)?,
            Command::ChangeStatus(change) => self.change_status(context, change, fetched)?,
            Command::Renew(renew) => self.renew(context, renew, fetched)?,
            Command::LinkPar(link) => self.link_par(context, link, fetched)?,
            Command::Detokenize(token) => self.detokenize(context, *token, fetched)?,
            Command::Par(pan) => self.par_of(pan)?,
            Command::Fingerprint(pan) => self.fingerprint_of(pan),
            Command::ClearShortLock(token) => self.clear_short_lock(context, *token, fetched)?,
            Command::Reseal(reseal) => self.reseal(context, reseal, fetched)?,
            Command::EmvIssue(asked) => self.emv_issue(asked)?,
            Command::MakeCardValue(asked) => self.make_card_value(asked)?,
            Command::HoldCard(asked) => self.hold_card(context, asked)?,
            // Whoever has the held cards and the sessions answers these, if there is such.
            Command::ReleaseCard(_) => return Err(Refusal::UnknownHold.into()),
            Command::OpenEntry(_) => return Err(Refusal::EntryLimit.into()),
            Command::EnterCard(_) | Command::CloseEntry(_) => return Err(Refusal::UnknownEntry.into()),
            Command::EmvVerify(_) | Command::EmvArpc(_) | Command::VerifyCardValue(_) => {
                self.of_field(context, command, proof)?
            }
        };
        Ok(Answer::Ready(Ok(reply)))
    }
}
