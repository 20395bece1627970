//! What must be decided.

use tallystick::command::{Operation, Refusal, Role};
use tallystick::types::TokenNumber;

use super::state::{Effect, Expected, Row, Standing, Token};
use super::{Asked, Decision, Model};
use crate::wish::Wish;

/// What came of a wish, before idempotency.
pub(super) type Outcome = (Result<Expected, Refusal>, Vec<Effect>);

pub(super) fn refused(refusal: Refusal) -> Outcome {
    (Err(refusal), Vec::new())
}

pub(super) fn answered(expected: Expected) -> Outcome {
    (Ok(expected), Vec::new())
}

/// Who may ask for what.
fn roles(operation: Operation) -> &'static [Role] {
    match operation {
        Operation::Provision
        | Operation::ChangeStatus
        | Operation::Renew
        | Operation::LinkPar
        | Operation::Par
        | Operation::Fingerprint
        | Operation::HoldCard
        | Operation::ReleaseCard
        | Operation::OpenEntry
        | Operation::EnterCard
        | Operation::CloseEntry => &[Role::Provisioner],
        Operation::Show | Operation::List => &[Role::Provisioner, Role::Auditor],
        Operation::Detokenize => &[Role::Detokenizer],
        Operation::Issue | Operation::IssueShort | Operation::EmvIssue | Operation::MakeCardValue => {
            &[Role::Issuer]
        }
        Operation::Verify
        | Operation::VerifyShort
        | Operation::EmvVerify
        | Operation::EmvArpc
        | Operation::VerifyCardValue => &[Role::Verifier],
        Operation::ClearShortLock | Operation::Reseal => &[Role::Admin],
    }
}

fn only_reads(wish: &Wish) -> bool {
    matches!(
        wish,
        Wish::Show(_) | Wish::List { .. } | Wish::Detokenize(_) | Wish::Par(_) | Wish::Fingerprint(_)
    )
}

impl Model {
    /// What must come of a request that is decided now.
    pub fn decide(&mut self, asked: &Asked<'_>) -> Decision {
        let Asked { peer, request, .. } = asked;
        let operation = request.wish.operation();
        if !roles(operation).iter().any(|role| peer.roles.contains(role)) {
            return Decision { expected: Err(Refusal::RoleMissing), effects: Vec::new() };
        }
        if operation.is_of_field() && peer.trids.is_some() {
            return Decision { expected: Err(Refusal::TridNotAllowed), effects: Vec::new() };
        }
        let closed = self.closed.filter(|_| !only_reads(&request.wish));
        let (expected, effects) = match (&request.key, closed) {
            (Some(key), _) => self.decide_keyed(asked, key, closed),
            (None, Some(why)) => refused(why),
            (None, None) => self.dispatch(asked),
        };
        Decision { expected, effects }
    }

    pub(super) fn dispatch(&self, asked: &Asked<'_>) -> Outcome {
        match &asked.request.wish {
            Wish::Provision(card) => self.provision(asked, card),
            Wish::Show(token) => match self.find(asked, *token) {
                Err(refusal) => refused(refusal),
                Ok((id, token)) => answered(self.shown(id, token, token.row().clone())),
            },
            Wish::List { trid, limit, .. } => self.list(asked, *trid, *limit),
            Wish::Change { token, provider, event } => self.change(asked, *token, *provider, *event),
            Wish::Renew { token, expiry } => self.renew(asked, *token, *expiry),
            Wish::LinkPar { card, predecessor } => self.link_par(asked, *card, *predecessor),
            Wish::Detokenize(token) => match self.find(asked, *token) {
                Err(refusal) => refused(refusal),
                Ok((_, token)) if token.row().sealed.is_none() => refused(Refusal::TokenDeactivated),
                Ok((_, token)) => answered(Expected::Pan { card: token.card, expiry: token.row().expiry }),
            },
            Wish::Par(card) => answered(Expected::Par(self.decided.par(*card))),
            Wish::Fingerprint(card) => answered(Expected::Fingerprint(*card)),
            Wish::Issue(payer, payment) => self.issue(asked, payer, payment),
            Wish::IssueShort(payer, payment) => self.issue_short(asked, payer, payment),
            Wish::Verify(payer, payment, cryptogram) => self.verify(asked, payer, payment, cryptogram),
            Wish::VerifyShort(payer, payment, value) => self.verify_short(asked, payer, payment, value),
            Wish::ClearShortLock(token) => self.clear_short_lock(asked, *token),
            Wish::Reseal { limit, .. } => self.reseal(asked, *limit),
            Wish::EmvIssue(chip) => self.emv_issue(*chip),
            Wish::EmvVerify(chip, atc, arqc) => self.emv_verify(asked, *chip, *atc, *arqc),
            Wish::EmvArpc(chip, atc, arqc) => self.emv_arpc(asked, *chip, *atc, *arqc),
            Wish::VerifyValue(card, digits) => self.verify_value(asked, *card, *digits),
        }
    }

    /// A token that the caller may act for.
    pub(super) fn find(&self, asked: &Asked<'_>, number: TokenNumber) -> Result<(usize, &Token), Refusal> {
        let id = self.facts.id(number).ok_or(Refusal::UnknownToken)?;
        let token = self.decided.tokens.get(id).expect("a known token was durable");
        if asked.peer.may_act_for(token.trid) { Ok((id, token)) } else { Err(Refusal::TridNotAllowed) }
    }

    pub(super) fn shown(&self, id: usize, token: &Token, row: Row) -> Expected {
        Expected::Token { id, row, par: self.decided.par(token.card) }
    }

    /// Whether the engine has a token's row at hand.
    pub(super) fn keeps(&self, id: usize) -> bool {
        self.kept.contains_key(&id)
    }
}

impl Row {
    /// The overall status of `docs/FORMATS.md`: any active, else any suspended,
    /// else any deactivated; none of them is initiated.
    pub(super) fn overall(&self) -> Option<Standing> {
        let of = |wanted: fn(&Standing) -> bool| {
            self.providers.iter().map(|(_, standing)| *standing).find(&wanted)
        };
        of(|standing| *standing == Standing::Active)
            .or_else(|| of(|standing| *standing == Standing::Suspended))
            .or_else(|| of(|_| true))
    }

    pub(super) fn is_deactivated(&self) -> bool {
        matches!(self.overall(), Some(Standing::Deactivated(_)))
    }
}

/// Whether the month of an expiry (YYMM) is over.
pub fn is_past(expiry: u16, now: u64) -> bool {
    (2000 + u64::from(expiry / 100), u64::from(expiry % 100)) < civil_month(now)
}

/// Year and month in UTC, counted through the calendar.
fn civil_month(now: u64) -> (u64, u64) {
    let (mut days, mut year) = (now / 86_400, 1970);
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let months = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while days >= months[month] {
        days -= months[month];
        month += 1;
    }
    (year, month as u64 + 1)
}
