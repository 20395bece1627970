//! How a request may be answered, by what the client knows.

use tallystick::command::Refusal;

use super::{Fate, Kept, Ledger, OUTSTANDING, Token, WINDOW};
use crate::ask::{Ask, Deed};

/// The answers that a request may have.
#[derive(Debug, Clone)]
pub struct Expect {
    succeed: bool,
    refusals: Vec<Refusal>,
    /// What it was answered before, under the same key.
    pub again: Option<Kept>,
}

impl Expect {
    /// How a request may be answered by an engine that is closed for a reason,
    /// or by one that is not.
    pub fn of(ledger: &Ledger, ask: Ask, closed: Option<Refusal>) -> Self {
        if let Some(keyed) = ledger.keyed.iter().find(|keyed| keyed.ask == ask) {
            return Self { again: Some(keyed.kept.clone()), ..Self::success() };
        }
        let may_be_done = ledger.is_in_limbo(ask);
        match closed.filter(|_| !matches!(ask.deed, Deed::Show { .. })) {
            Some(why) if may_be_done => Self::open(ledger, ask).or([why]),
            Some(why) => Self::refusal([why]),
            None => Self::open(ledger, ask),
        }
    }

    fn open(ledger: &Ledger, ask: Ask) -> Self {
        let Some(token) = ask.deed.token().and_then(|token| ledger.tokens.get(token)) else {
            return Self::success();
        };
        let expect = match ask.deed {
            Deed::Verify { atc, .. } => verify(token, atc),
            Deed::VerifyShort { atc, .. } => verify_short(token, atc),
            Deed::Suspend { .. } | Deed::Resume { .. } | Deed::Show { .. } => return Self::success(),
            Deed::Provision { .. } | Deed::Issue { .. } | Deed::IssueShort { .. } => Self::success(),
        };
        expect.of_status(token, ledger.is_in_limbo(ask))
    }

    pub const fn may_succeed(&self) -> bool {
        self.succeed
    }

    /// Whether it must succeed.
    pub const fn is_certain(&self) -> bool {
        self.succeed && self.refusals.is_empty()
    }

    pub fn may_be(&self, refusal: Refusal) -> bool {
        self.refusals.contains(&refusal)
    }

    const fn success() -> Self {
        Self { succeed: true, refusals: Vec::new(), again: None }
    }

    fn refusal<const N: usize>(refusals: [Refusal; N]) -> Self {
        Self { succeed: false, ..Self::success() }.or(refusals)
    }

    fn or<const N: usize>(mut self, refusals: [Refusal; N]) -> Self {
        self.refusals.extend(refusals);
        self
    }

    /// A suspended token refuses; one that may be so may. What was done before
    /// it was suspended is still answered under its key.
    fn of_status(self, token: &Token, may_be_done: bool) -> Self {
        match token.suspended {
            Some(false) => self,
            Some(true) if !may_be_done => Self::refusal([Refusal::TokenSuspended]),
            _ => self.or([Refusal::TokenSuspended]),
        }
    }
}

fn verify(token: &Token, atc: u32) -> Expect {
    let Some(made) = token.made.get(&atc) else { return Expect::success() };
    let surely = token.newest(|fate| matches!(fate, Fate::Used | Fate::Asked));
    let perhaps = token.newest(|fate| fate != Fate::Unused);
    match made.fate {
        Fate::Used | Fate::Asked => Expect::refusal([Refusal::Replayed, Refusal::BehindWindow]),
        Fate::Maybe => Expect::success().or([Refusal::Replayed, Refusal::BehindWindow]),
        Fate::Unused if surely.saturating_sub(atc) > WINDOW => Expect::refusal([Refusal::BehindWindow]),
        Fate::Unused if perhaps.saturating_sub(atc) > WINDOW => Expect::success().or([Refusal::BehindWindow]),
        Fate::Unused => Expect::success(),
    }
}

/// A value that was used may be the same digits as another that was not.
fn verify_short(token: &Token, atc: u32) -> Expect {
    let plain = verify(token, atc);
    let displaced = token.newer_shorts(atc) >= OUTSTANDING;
    let used = token.made.get(&atc).is_some_and(|made| made.fate != Fate::Unused);
    if used || displaced {
        return Expect::success().or([Refusal::ShortMismatch, Refusal::BehindWindow]);
    }
    plain
}
