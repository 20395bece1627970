//! Issuing and verifying.

use tallystick::command::{Refusal, Role};
use tallystick::types::Network;

use super::decide::{Outcome, is_past, refused};
use super::state::{BadMacs, Effect, Expected, Outstanding, Shorts, Standing, Token};
use super::{Asked, Model};
use crate::wish::{Payer, Payment, Wish};

/// Counters kept behind the newest consumed.
const WINDOW: u32 = 64;
/// Seconds for which a short value is outstanding, how many are, and how many
/// misses lock them.
pub const SHORT_SECONDS: u64 = 86_400;
const SHORT_COUNT: usize = 4;
const SHORT_MISSES: u32 = 5;
/// For how many seconds bad MACs count, and lock.
pub const LOCK_SECONDS: u64 = 900;
/// Bad MACs that lock a token or a card.
pub(super) const BAD_MACS: Lock = Lock { misses: 10, seconds: LOCK_SECONDS };

/// How many misses lock, and for how many seconds they count and lock.
#[derive(Clone, Copy)]
pub(super) struct Lock {
    pub misses: u32,
    pub seconds: u64,
}

/// The time slot of `docs/FORMATS.md`.
pub fn slot(now: u64) -> u16 {
    ((now / 600) % 65_536) as u16
}

impl Model {
    /// Whether something may be issued, and for which token.
    fn check_issue(
        &self,
        asked: &Asked<'_>,
        payer: &Payer,
        payment: &Payment,
    ) -> Result<(usize, &Token), Refusal> {
        let (id, token) = self.find(asked, payer.token)?;
        if token.trid != payer.trid {
            return Err(Refusal::WrongTrid);
        }
        usable(token, asked.now)?;
        if payment.merchant.is_some()
            && token.rules.merchant.is_some_and(|only| payment.merchant != Some(only))
        {
            return Err(Refusal::DomainMerchant);
        }
        if token.rules.channels & (1 << payment.channel) == 0 {
            return Err(Refusal::DomainChannel);
        }
        if payment.bits() & token.rules.demands != token.rules.demands {
            return Err(Refusal::BindingDemanded);
        }
        Ok((id, token))
    }

    pub(super) fn issue(&self, asked: &Asked<'_>, payer: &Payer, payment: &Payment) -> Outcome {
        let (id, token) = match self.check_issue(asked, payer, payment) {
            Ok(found) => found,
            Err(refusal) => return refused(refusal),
        };
        let atc = token.issued + 1;
        let expected = Expected::Issued {
            id,
            atc,
            payment: *payment,
            key_version: self.token_key,
            slot: slot(asked.now),
            expiry: token.row().expiry,
        };
        (Ok(expected), vec![Effect::Issued(id, atc)])
    }

    pub(super) fn issue_short(&self, asked: &Asked<'_>, payer: &Payer, payment: &Payment) -> Outcome {
        let (id, token) = match self.check_issue(asked, payer, payment) {
            Ok(found) => found,
            Err(refusal) => return refused(refusal),
        };
        if token.shorts.misses >= SHORT_MISSES {
            return refused(Refusal::ShortLocked);
        }
        let (atc, expiry) = (token.issued + 1, token.row().expiry);
        let mut shorts = token.shorts.clone();
        shorts.outstanding.retain(|one| one.is_live(asked.now));
        if shorts.outstanding.len() == SHORT_COUNT {
            shorts.outstanding.remove(0);
        }
        let key_version = self.token_key;
        shorts.outstanding.push(Outstanding { atc, issued: asked.now, expiry, key_version });
        let effects = vec![Effect::Issued(id, atc), Effect::Shorts(id, shorts)];
        (Ok(Expected::IssuedShort { id, atc, expiry }), effects)
    }

    /// Token, status, expiry, TRID and domain of what was presented.
    fn check_presented(
        &self,
        asked: &Asked<'_>,
        payer: &Payer,
        payment: &Payment,
    ) -> Result<(usize, &Token), Refusal> {
        let (id, token) = self.find(asked, payer.token)?;
        usable(token, asked.now)?;
        if token.trid != payer.trid {
            return Err(Refusal::WrongTrid);
        }
        if token.row().expiry != payer.expiry {
            return Err(Refusal::WrongExpiry);
        }
        if token.rules.merchant.is_some_and(|only| payment.merchant != Some(only)) {
            return Err(Refusal::DomainMerchant);
        }
        if token.rules.channels & (1 << payment.channel) == 0 {
            return Err(Refusal::DomainChannel);
        }
        Ok((id, token))
    }

    pub(super) fn verify(
        &self,
        asked: &Asked<'_>,
        payer: &Payer,
        payment: &Payment,
        cryptogram: &[u8; 20],
    ) -> Outcome {
        match self.check_cryptogram(asked, payer, payment, cryptogram) {
            Ok((id, atc)) => (Ok(Expected::Verified(atc)), vec![Effect::Consumed(id, atc)]),
            Err(Refusal::BadMac) => {
                let Ok((id, token)) = self.find(asked, payer.token) else {
                    return refused(Refusal::UnknownToken);
                };
                let missed = token.bad_macs.one_more(asked.now, BAD_MACS);
                (Err(Refusal::BadMac), vec![Effect::BadMacs(id, missed)])
            }
            Err(refusal) => refused(refusal),
        }
    }

    /// The checks of `docs/FORMATS.md`, in their order.
    fn check_cryptogram(
        &self,
        asked: &Asked<'_>,
        payer: &Payer,
        payment: &Payment,
        cryptogram: &[u8; 20],
    ) -> Result<(usize, u32), Refusal> {
        let bits = cryptogram[0] & 15;
        let atc = u32::from_be_bytes(cryptogram[2..6].try_into().unwrap());
        let made_in = u16::from_be_bytes(cryptogram[6..8].try_into().unwrap());
        if cryptogram[0] >> 4 != 1 || cryptogram[1] == 0 || atc == 0 {
            return Err(Refusal::CryptogramFormat);
        }
        if !self.token_keys.contains(&cryptogram[1]) {
            return Err(Refusal::KeyVersion);
        }
        let (id, token) = self.check_presented(asked, payer, payment)?;
        if bits & token.rules.demands != token.rules.demands {
            return Err(Refusal::BindingDemanded);
        }
        if bits & !payment.bits() != 0 || (bits & 8 != 0) != payment.merchant_initiated {
            return Err(Refusal::BindingMismatch);
        }
        if token.bad_macs.lock(asked.now, BAD_MACS) {
            return Err(Refusal::TokenLocked);
        }
        let genuine = self.facts.made(cryptogram).is_some_and(|made| {
            let same = |bit: u8, same: bool| bits & bit == 0 || same;
            made.id == id
                && made.expiry == payer.expiry
                && same(1, made.payment.units == payment.units)
                && same(2, made.payment.merchant == payment.merchant)
                && same(4, made.payment.unpredictable == payment.unpredictable)
        });
        if !genuine {
            return Err(Refusal::BadMac);
        }
        match u64::from(slot(asked.now).wrapping_sub(made_in)) {
            age if age <= self.limits.age_slots || age == 65_535 => {}
            32_768.. => return Err(Refusal::FromFuture),
            _ => return Err(Refusal::TooOld),
        }
        consumable(token, atc).map(|()| (id, atc))
    }

    pub(super) fn verify_short(
        &self,
        asked: &Asked<'_>,
        payer: &Payer,
        payment: &Payment,
        value: &str,
    ) -> Outcome {
        let (id, token) = match self.check_presented(asked, payer, payment) {
            Ok(found) => found,
            Err(refusal) => return refused(refusal),
        };
        if token.shorts.misses >= SHORT_MISSES {
            return refused(Refusal::ShortLocked);
        }
        let mut shorts = token.shorts.clone();
        // Should two be the same digits, the newer is meant.
        let hit =
            self.live(token, asked.now).rev().find(|one| self.facts.short_value(id, one.atc) == Some(value));
        let Some(atc) = hit.map(|one| one.atc) else {
            shorts.misses += 1;
            return (Err(Refusal::ShortMismatch), vec![Effect::Shorts(id, shorts)]);
        };
        if let Err(refusal) = consumable(token, atc) {
            return refused(refusal);
        }
        shorts.outstanding.retain(|one| one.atc != atc);
        (Ok(Expected::Verified(atc)), vec![Effect::Consumed(id, atc), Effect::Shorts(id, shorts)])
    }

    fn live<'t>(&'t self, token: &'t Token, now: u64) -> impl DoubleEndedIterator<Item = &'t Outstanding> {
        let loaded = |one: &&Outstanding| self.token_keys.contains(&one.key_version);
        token.shorts.outstanding.iter().filter(move |one| one.is_live(now)).filter(loaded)
    }

    /// Whether it can be told what a request comes to. Short values that
    /// nobody has seen, or of an expiry before, may match any guess by chance.
    pub fn can_tell(&self, asked: &Asked<'_>) -> bool {
        let Wish::VerifyShort(payer, ..) = &asked.request.wish else { return true };
        if !asked.peer.roles.contains(&Role::Verifier) {
            return true;
        }
        let Ok((id, token)) = self.find(asked, payer.token) else { return true };
        self.live(token, asked.now)
            .all(|one| one.expiry == token.row().expiry && self.facts.short_value(id, one.atc).is_some())
    }

    pub(super) fn clear_short_lock(
        &self,
        asked: &Asked<'_>,
        token: tallystick::types::TokenNumber,
    ) -> Outcome {
        match self.find(asked, token) {
            Err(refusal) => refused(refusal),
            Ok((id, token)) => {
                let expected = self.shown(id, token, token.row().clone());
                let shorts = (token.shorts.misses > 0)
                    .then(|| Effect::Shorts(id, Shorts { misses: 0, ..token.shorts.clone() }));
                let macs = (token.bad_macs.count > 0).then(|| Effect::BadMacs(id, BadMacs::default()));
                (Ok(expected), shorts.into_iter().chain(macs).collect())
            }
        }
    }
}

impl Outstanding {
    fn is_live(&self, now: u64) -> bool {
        now.saturating_sub(self.issued) < SHORT_SECONDS
    }
}

impl BadMacs {
    /// Whether they count at a time. A clock that was set far back ends them.
    fn is_live(self, now: u64, lock: Lock) -> bool {
        now < self.until && self.until - now <= 2 * lock.seconds
    }

    pub(super) fn lock(self, now: u64, lock: Lock) -> bool {
        self.count >= lock.misses && self.is_live(now, lock)
    }

    pub(super) fn one_more(self, now: u64, lock: Lock) -> Self {
        let end = now + lock.seconds;
        match self.count + 1 {
            count if !self.is_live(now, lock) || count == 1 => Self { count: 1, until: end },
            count if count == lock.misses => Self { count, until: end },
            count => Self { count, ..self },
        }
    }
}

/// Whether a token may be paid with.
fn usable(token: &Token, now: u64) -> Result<(), Refusal> {
    match token.row().overall() {
        None => Err(Refusal::TokenInitiated),
        Some(Standing::Suspended) => Err(Refusal::TokenSuspended),
        Some(Standing::Deactivated(_)) => Err(Refusal::TokenDeactivated),
        Some(Standing::Active) if is_past(token.row().expiry, now) => Err(Refusal::TokenExpired),
        Some(Standing::Active) => Ok(()),
    }
}

/// Whether a counter can still be consumed.
fn consumable(token: &Token, atc: u32) -> Result<(), Refusal> {
    if atc > token.issued {
        return Err(Refusal::NeverIssued);
    }
    unspent(atc, token.newest_consumed, token.is_consumed(atc))
}

/// Whether a counter that was issued is within the window and was not consumed.
pub(super) fn unspent(atc: u32, newest_consumed: u32, is_consumed: bool) -> Result<(), Refusal> {
    if newest_consumed > atc && newest_consumed - atc > WINDOW {
        return Err(Refusal::BehindWindow);
    }
    if is_consumed { Err(Refusal::Replayed) } else { Ok(()) }
}

/// Digits of a short value of a token number.
pub fn short_digits(token: tallystick::types::TokenNumber) -> usize {
    if Network::of_digits(token.digits().as_bytes()) == Network::Amex { 4 } else { 3 }
}
