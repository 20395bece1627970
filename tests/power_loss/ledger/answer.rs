//! Taking an answer into the ledger, and holding it against what is there.

use tallystick::command::{Refusal, Reply, TokenView};
use tallystick::types::TokenStatus;

use super::{Expect, Fate, KEY_SECONDS, Kept, Keyed, Ledger, Made, Token, Value, Violation, broken_by};
use crate::ask::{Ask, Deed};

impl Ledger {
    /// Takes the answer of a request that was [`asked`](Self::asked).
    ///
    /// # Errors
    /// The promise that it breaks.
    pub fn told(
        &mut self,
        ask: Ask,
        expect: &Expect,
        answer: Result<Reply, Refusal>,
    ) -> Result<(), Violation> {
        self.told += 1;
        if let Deed::IssueShort { token, .. } = ask.deed {
            self.tokens[token].shorts_untold -= 1;
        }
        let reply = match answer {
            Ok(reply) => reply,
            Err(refusal) => return self.refused(ask, expect, refusal),
        };
        // It may have been asked twice before it was answered.
        let answered = self.keyed.iter().find(|keyed| keyed.ask == ask).map(|keyed| &keyed.kept);
        if let Some(before) = expect.again.as_ref().or(answered) {
            let same = kept(&reply).as_ref() == Some(before);
            return if same { Ok(()) } else { Err(Violation::RetryDiffers(ask)) };
        }
        self.done(ask, expect, &reply)?;
        if let Some(kept) = kept(&reply).filter(|_| ask.key.is_some()) {
            let first = self.leave_limbo(ask).unwrap_or(self.now);
            self.keyed.push(Keyed { ask, kept, expires: first + KEY_SECONDS });
        }
        Ok(())
    }

    fn refused(&mut self, ask: Ask, expect: &Expect, refusal: Refusal) -> Result<(), Violation> {
        self.leave_limbo(ask);
        self.full += u64::from(refusal == Refusal::StorageFull);
        match refusal {
            _ if expect.may_be(refusal) => Ok(()),
            _ if expect.again.is_some() => Err(Violation::RetryDiffers(ask)),
            _ => Err(broken_by(ask, refusal)),
        }
    }

    /// When a request was asked first that an outage cut off.
    fn leave_limbo(&mut self, ask: Ask) -> Option<u64> {
        let at = self.limbo.iter().position(|(other, _)| *other == ask)?;
        Some(self.limbo.remove(at).1)
    }

    fn done(&mut self, ask: Ask, expect: &Expect, reply: &Reply) -> Result<(), Violation> {
        if !expect.may_succeed() {
            return Err(self.wrongly_done(ask));
        }
        let unexpected = || Violation::Unexpected(ask, format!("{reply:?}"));
        match (ask.deed, reply) {
            (Deed::Provision { .. }, Reply::Token(view)) => self.provisioned(view),
            (Deed::Issue { token, units }, Reply::Issued(issued)) => {
                let header = issued.cryptogram.header().map_err(|_| unexpected())?;
                self.issued(token, header.atc.get(), units, Value::Cryptogram(issued.cryptogram))
            }
            (Deed::IssueShort { token, units }, Reply::IssuedShort(issued)) => {
                self.issued(token, issued.atc.get(), units, Value::Short(issued.value))
            }
            (Deed::Verify { token, atc }, Reply::Verified(verified)) if verified.atc.get() == atc => {
                self.consumed(token, atc)
            }
            // Two short values may be of the same digits, and either is taken.
            (Deed::VerifyShort { token, .. }, Reply::Verified(verified)) => {
                self.consumed(token, verified.atc.get())
            }
            (Deed::Suspend { token } | Deed::Resume { token } | Deed::Show { token }, Reply::Token(view)) => {
                self.shown(token, ask, view)
            }
            _ => Err(unexpected()),
        }
    }

    fn provisioned(&mut self, view: &TokenView) -> Result<(), Violation> {
        if self.tokens.iter().any(|token| token.view.token == view.token) {
            return Err(Violation::LostToken(format!("{} was given twice", self.tokens.len())));
        }
        self.tokens.push(Token::new(view.clone()));
        Ok(())
    }

    fn issued(&mut self, token: usize, atc: u32, units: u64, value: Value) -> Result<(), Violation> {
        let made = Made { value, units, fate: Fate::Unused };
        match self.tokens[token].made.insert(atc, made) {
            None => Ok(()),
            Some(_) => Err(Violation::AtcTwice(token, atc)),
        }
    }

    /// Which promise an answer breaks that should have been a refusal.
    fn wrongly_done(&self, ask: Ask) -> Violation {
        let Some((token, atc)) = ask.deed.consumes() else {
            return Violation::LostStatus(ask.deed.token().unwrap_or(usize::MAX));
        };
        match self.tokens[token].made.get(&atc).map(|made| made.fate) {
            Some(Fate::Used) => Violation::AcceptedTwice(token, atc),
            _ => Violation::LostStatus(token),
        }
    }

    fn consumed(&mut self, token: usize, atc: u32) -> Result<(), Violation> {
        let Some(made) = self.tokens[token].made.get_mut(&atc) else {
            // A short value that was never told had the same digits.
            return Ok(());
        };
        let before = std::mem::replace(&mut made.fate, Fate::Used);
        if before == Fate::Used { Err(Violation::AcceptedTwice(token, atc)) } else { Ok(()) }
    }

    fn shown(&self, token: usize, ask: Ask, view: &TokenView) -> Result<(), Violation> {
        let known = &self.tokens[token];
        let same = TokenView { providers: known.view.providers.clone(), ..view.clone() } == known.view;
        let suspended = view.providers.overall() == TokenStatus::Suspended;
        let expected = match ask.deed {
            Deed::Suspend { .. } => Some(true),
            Deed::Resume { .. } => Some(false),
            _ => known.suspended,
        };
        match (same, expected.is_none_or(|expected| expected == suspended)) {
            (true, true) => Ok(()),
            (true, false) => Err(Violation::LostStatus(token)),
            (false, _) => Err(Violation::LostToken(format!("{token} is another"))),
        }
    }
}

/// What is remembered of a reply under its key, and compared.
fn kept(reply: &Reply) -> Option<Kept> {
    match reply {
        Reply::Issued(issued) => Some(Kept::Issued(*issued)),
        Reply::Verified(verified) => Some(Kept::Verified(verified.atc.get())),
        Reply::Token(view) => Some(Kept::Token(view.clone())),
        _ => None,
    }
}
