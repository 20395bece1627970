//! A card is saved without a payment, by evidence that a merchant has of one.
//!
//! It is written down before the engine is asked, with the handle that is asked with. So
//! when the vault or the engine dies in between, the same question is asked again: the
//! engine answers it as before, or knows of no such card, and then there is no token.

use super::save::Saved;
use super::{Fault, House};
use crate::types::UnixTime;
use crate::vault::db::{DbError, Instrument, Merchant, NewToken};
use crate::vault::engine::EngineError;
use crate::wire::Status;

/// How long a request may still be at it, in seconds: longer than the engine is waited
/// for in all.
const UNDER_WAY: u64 = 20;

impl House {
    /// Saves a card, once for its origin however often and whenever it is asked.
    ///
    /// # Errors
    /// [`Fault::KeyReused`] if another card was saved from the same origin,
    /// [`Fault::ProviderTimeout`], [`Fault::CardGone`], [`Fault::Engine`], [`Fault::Db`].
    pub fn save(&self, new: &NewToken, now: UnixTime) -> Result<Instrument, Fault> {
        let begun = self.db.write(|tx| -> Result<_, DbError> {
            if let Some(made) = Instrument::by_origin(tx, &new.origin)? {
                return Ok(Err(made));
            }
            let before = NewToken::by_origin(tx, &new.origin)?;
            if before.is_none() {
                new.put(tx, now)?;
            }
            Ok(Ok(before))
        })?;
        let fingerprint = new.card.fingerprint();
        let before = match begun {
            Err(made) if Some(made.fingerprint) == fingerprint => return Ok(made),
            Err(_) => return Err(Fault::KeyReused),
            Ok(before) => before,
        };
        let Some(before) = before else { return self.settle(new, now) };
        if before.card.fingerprint() != fingerprint {
            return Err(Fault::KeyReused);
        }
        // Another request is at it, or was when something died.
        match self.settle(&before, now) {
            Err(Fault::CardGone) => {}
            other => return other,
        }
        self.db.write(|tx| new.put(tx, now))?;
        self.settle(new, now)
    }

    /// Goes on with what was left lying; says how much there was. Cards that are still
    /// held are let go before, so that nothing is made now that was not made then.
    ///
    /// # Errors
    /// [`Fault::Db`].
    pub(super) fn settle_all(&self, now: UnixTime) -> Result<usize, Fault> {
        let then = UnixTime::from_seconds(now.seconds().saturating_sub(UNDER_WAY)).max(self.began);
        let left = self.db.read(|db| NewToken::begun_before(db, then))?;
        for new in &left {
            self.release(new.handle);
            if let Err(fault @ (Fault::Db(_) | Fault::Random(_))) = self.settle(new, now) {
                return Err(fault);
            }
        }
        Ok(left.len())
    }

    /// Has the engine make the token, and ends with an instrument or without.
    fn settle(&self, new: &NewToken, now: UnixTime) -> Result<Instrument, Fault> {
        let merchant = self.db.read(|db| Merchant::by_pk(db, new.merchant))?;
        let saved = Saved {
            merchant: &merchant.ok_or(Fault::NotFound("merchant"))?,
            customer: new.customer.as_deref(),
            handle: new.handle,
            card: &new.card,
            provider: &new.provider,
            reference: &new.reference,
            auth_reference: new.auth_reference.as_deref(),
            origin: &new.origin,
            details: new.details.clone(),
        };
        match self.tokenised(&saved, now) {
            Ok(made) => Ok(self.db.write(|tx| -> Result<_, DbError> {
                let made = made.add(tx)?;
                NewToken::end(tx, &new.origin)?;
                Ok(made)
            })?),
            // Another request asked with another handle before.
            Err(Fault::Engine(EngineError::Refused(Status::IdempotencyConflict))) => {
                let made = self.db.read(|db| Instrument::by_origin(db, &new.origin))?;
                let made = made.ok_or(Fault::Engine(EngineError::Away))?;
                self.db.write(|tx| NewToken::end(tx, &new.origin))?;
                Ok(made)
            }
            // Whether it is made is not known: it stays, and is asked again.
            Err(fault @ (Fault::Engine(EngineError::Away) | Fault::Db(_) | Fault::Random(_))) => Err(fault),
            Err(fault) => {
                self.db.write(|tx| NewToken::end(tx, &new.origin))?;
                Err(fault)
            }
        }
    }
}
