//! Verify a cryptogram and consume it, once.

use crate::command::{Refusal, Reply, Role, Verified, Verify};
use crate::crypto::KeyPurpose;
use crate::engine::profiles::Profile;
use crate::engine::{CardId, Context, Engine, Mint, Proof, Unsealed};
use crate::store::TokenSlot;
use crate::types::{
    Atc, Binding, Consumption, CryptogramHeader, Domain, Expiry, KeyVersion, TimeSlot, TokenNumber,
    Transaction, Trid, UnixTime,
};

/// What was presented with a cryptogram or short value.
pub(super) struct Presented<'a> {
    pub token: TokenNumber,
    pub expiry: Expiry,
    pub trid: Trid,
    pub transaction: &'a Transaction<'a>,
}

/// Of what a refused verification counts a miss.
pub(super) enum Missed {
    Cryptogram(TokenNumber),
    ShortValue(TokenNumber),
    Card(CardId),
}

impl Engine<Unsealed> {
    /// The order of the checks is part of the format: see `docs/FORMATS.md`.
    pub(super) fn verify(
        &mut self,
        context: Context<'_>,
        request: &Verify<'_>,
        proof: Option<Proof>,
    ) -> Result<Reply, Refusal> {
        let proof = proof.unwrap_or_else(|| Mint::new(&self.state.keyring).prove(request));
        let (header, authentic) = match proof {
            Proof::Format => return Err(Refusal::CryptogramFormat),
            Proof::KeyVersion => return Err(Refusal::KeyVersion),
            // Not of this request.
            Proof::Field(_) => return Err(Refusal::Stopped),
            Proof::Checked { header, authentic } => (header, authentic),
        };
        if !self.still_verifies(header.key_version, context.now) {
            return Err(Refusal::KeyVersion);
        }
        let presented = Presented {
            token: request.token,
            expiry: request.expiry,
            trid: request.trid,
            transaction: &request.transaction,
        };
        let (slot, domain) = self.check_presented(context, &presented)?;
        check_binding(domain, &request.transaction, &header)?;
        let state = &mut self.state;
        if state.lockouts.is_locked(slot, context.now) {
            return Err(Refusal::TokenLocked);
        }
        if !authentic {
            state.lockouts.miss(slot, context.now).for_each(|record| state.open.note(record));
            return Err(Refusal::BadMac);
        }
        check_age(header.slot, context.now.slot(), self.config.max_age_slots)?;
        self.consume(context, slot, header.atc)
    }

    /// Makes a refused verification last as long as any other, if its caller may
    /// not know why it was refused. A counted miss is durable before it is told,
    /// which takes a commit: so whatever is refused has one, and writes as much.
    pub(super) fn disguise(&mut self, context: Context<'_>, missed: Missed, refusal: Refusal) -> Refusal {
        let Unsealed { ghosts, open, .. } = &mut self.state;
        match (missed, refusal) {
            (_, Refusal::BadMac | Refusal::ShortMismatch | Refusal::CardValueMismatch) => {}
            _ if context.caller.roles().has(Role::Auditor) => {}
            (Missed::ShortValue(token), _) => open.note(ghosts.miss_short(token)),
            (Missed::Cryptogram(token), _) => {
                ghosts.miss(token, context.now).for_each(|record| open.note(record));
            }
            (Missed::Card(id), _) => {
                ghosts.miss_card(id, context.now).for_each(|record| open.note(record));
            }
        }
        refusal
    }

    /// Whether a version of the token derivation key is active or within its grace.
    pub(super) fn still_verifies(&self, version: KeyVersion, now: UnixTime) -> bool {
        let keyring = &self.state.keyring;
        if version == keyring.token_derivation.active().0 {
            return true;
        }
        let grace = self.config.limits.key_grace_seconds;
        let mut infos = keyring.infos().iter();
        let key = infos.find(|key| key.purpose == KeyPurpose::TokenDerivation && key.version == version);
        key.is_some_and(|key| key.is_within(grace, now))
    }

    /// Token, status, expiry, TRID and domain of what was presented.
    pub(super) fn check_presented(
        &self,
        context: Context<'_>,
        presented: &Presented<'_>,
    ) -> Result<(TokenSlot, &Domain), Refusal> {
        let (slot, entry) = self.find(context.caller, presented.token)?;
        entry.check_usable(context.now)?;
        let Profile { trid, domain } = self.profile(entry)?;
        if *trid != presented.trid {
            return Err(Refusal::WrongTrid);
        }
        if entry.expiry != presented.expiry {
            return Err(Refusal::WrongExpiry);
        }
        if !domain.allows_merchant(presented.transaction.merchant) {
            return Err(Refusal::DomainMerchant);
        }
        if !domain.channels.allows(presented.transaction.channel) {
            return Err(Refusal::DomainChannel);
        }
        Ok((slot, domain))
    }

    /// Consumes a counter into the open group, if it still can be.
    pub(super) fn consume(
        &mut self,
        context: Context<'_>,
        slot: TokenSlot,
        atc: Atc,
    ) -> Result<Reply, Refusal> {
        if !self.state.rates.may(slot, context.now) {
            return Err(Refusal::TokenRateLimited);
        }
        let entry = self.state.book.get_mut(slot).ok_or(Refusal::UnknownToken)?;
        check_consumed(entry.counters.consume(atc))?;
        self.state.rates.charge(slot, context.now);
        self.state.consumed(slot, atc);
        Ok(Reply::Verified(Verified { atc }))
    }
}

/// Whether an attempt to consume a counter did.
pub(super) const fn check_consumed(consumption: Consumption) -> Result<(), Refusal> {
    match consumption {
        Consumption::Consumed => Ok(()),
        Consumption::NeverIssued => Err(Refusal::NeverIssued),
        Consumption::Replayed => Err(Refusal::Replayed),
        Consumption::BehindWindow => Err(Refusal::BehindWindow),
    }
}

/// Whether a header binds what the token demands, and nothing that the
/// transaction lacks. Who initiated the payment must be the same on both sides.
pub(super) fn check_binding(
    domain: &Domain,
    transaction: &Transaction<'_>,
    header: &CryptogramHeader,
) -> Result<(), Refusal> {
    let present = transaction.binding();
    if !header.binding.contains(domain.demands) {
        return Err(Refusal::BindingDemanded);
    }
    let initiated = header.binding.contains(Binding::MERCHANT_INITIATED);
    if !present.contains(header.binding) || initiated != transaction.merchant_initiated {
        return Err(Refusal::BindingMismatch);
    }
    Ok(())
}

/// Whether a slot is at most `limit` old, or one ahead of a slower clock.
fn check_age(slot: TimeSlot, now: TimeSlot, limit: u16) -> Result<(), Refusal> {
    let age = slot.age_at(now);
    if age <= limit || age == u16::MAX {
        Ok(())
    } else if age > u16::MAX / 2 {
        Err(Refusal::FromFuture)
    } else {
        Err(Refusal::TooOld)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn age_limits_to_the_slot() {
        let check = |slot, now| check_age(TimeSlot::new(slot), TimeSlot::new(now), 144);
        assert_eq!(check(1000, 1000), Ok(()));
        assert_eq!(check(1000, 1144), Ok(()));
        assert_eq!(check(1000, 1145), Err(Refusal::TooOld));
        assert_eq!(check(1001, 1000), Ok(()));
        assert_eq!(check(1002, 1000), Err(Refusal::FromFuture));
        assert_eq!(check(65_500, 10), Ok(()));
        assert_eq!(check(0, 65_535), Ok(()));
        assert_eq!(check(1000, 1000 + 32_767), Err(Refusal::TooOld));
    }
}
