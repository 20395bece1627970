//! The second factor comes, and the issuer decides.
//!
//! A payment goes to `charging` before the issuer is asked, and every question to the
//! engine has the payment's id as its idempotency key. So whenever the vault or the engine
//! dies in between, asking again comes to the same end, and nobody is charged twice.

use super::{Fault, House};
use crate::command::Issue;
use crate::types::{IdempotencyKey, TokenNumber, UnixTime};
use crate::vault::db::{DbError, Instrument, Merchant, Payment, Saving, Source, State, ledger};
use crate::vault::engine::EngineError;
use crate::vault::network::{Presented, Verdict, requestor_of, transaction};

/// How the second factor went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The cardholder was authenticated.
    Succeeded,
    /// The cardholder was not.
    Failed,
}

impl House {
    /// Takes the second factor, and has the payment charged if it succeeded. A payment
    /// that has come to its end stays as it is, whatever comes.
    ///
    /// # Errors
    /// [`Fault::NotFound`], [`Fault::Db`]. An engine that is away is no error: the
    /// payment is then still being charged.
    pub fn authenticate(&self, id: &str, outcome: Outcome, now: UnixTime) -> Result<Payment, Fault> {
        let payment = self.payment(id)?;
        if payment.state == State::Authenticating {
            let failure = if outcome == Outcome::Failed {
                Some("authentication_failed")
            } else if now >= payment.expires {
                Some("authentication_timed_out")
            } else {
                None
            };
            match failure {
                Some(reason) => {
                    self.end(&payment, State::Authenticating, State::Failed, Some(reason), None, now)?
                }
                None => self.go_charging(&payment, now)?,
            }
        }
        self.go_on(&self.payment(id)?, now)
    }

    /// Does what is still to be done of a payment. If the engine is away it stays.
    ///
    /// # Errors
    /// [`Fault::Db`].
    pub fn go_on(&self, payment: &Payment, now: UnixTime) -> Result<Payment, Fault> {
        if payment.state == State::Charging {
            match self.decide(payment) {
                Ok((verdict, token)) => {
                    let (to, reason) = match verdict {
                        Verdict::Approved => (State::Charged, None),
                        Verdict::Declined(reason) => (State::Failed, Some(reason)),
                    };
                    self.end(payment, State::Charging, to, reason, token, now)?;
                }
                Err(Fault::Engine(EngineError::Away)) => {}
                Err(Fault::Engine(EngineError::Refused(_)) | Fault::NotFound(_)) => {
                    self.end(payment, State::Charging, State::Failed, Some("token_refused"), None, now)?;
                }
                Err(fault) => return Err(fault),
            }
        }
        let payment = self.payment(&payment.id)?;
        if payment.state == State::Charged && payment.saving == Saving::Wanted {
            self.save_of_payment(&payment, now)?;
            return self.payment(&payment.id);
        }
        Ok(payment)
    }

    fn payment(&self, id: &str) -> Result<Payment, Fault> {
        self.db.read(|db| Payment::by_id(db, id))?.ok_or(Fault::NotFound("payment"))
    }

    /// To `charging`, unless another payment of the order is there.
    fn go_charging(&self, payment: &Payment, now: UnixTime) -> Result<(), Fault> {
        let went = self
            .db
            .write(|tx| Payment::advance(tx, payment.pk, State::Authenticating, State::Charging, None))?;
        let taken = !went && self.db.read(|db| Payment::is_order_taken(db, payment.order))?;
        if taken && self.payment(&payment.id)?.state == State::Authenticating {
            self.end(payment, State::Authenticating, State::Failed, Some("order_paid"), None, now)?;
        }
        Ok(())
    }

    /// What the issuer says, and the token that was presented to it.
    fn decide(&self, payment: &Payment) -> Result<(Verdict, Option<TokenNumber>), Fault> {
        let merchant = self.db.read(|db| Merchant::by_pk(db, payment.merchant))?;
        let merchant = merchant.ok_or(Fault::NotFound("merchant"))?;
        let presented = match &payment.source {
            Source::Wallet => return Ok((Verdict::Approved, None)),
            Source::Card(_) => {
                let card = payment.card.as_ref().and_then(|card| card.fingerprint());
                let card = card.ok_or(Fault::Db(DbError::Content("card")))?;
                return Ok((self.sandbox.authorise_card(&self.engine, &card)?, None));
            }
            Source::Saved(pk) => {
                let instrument = self.db.read(|db| Instrument::by_pk(db, *pk))?;
                let instrument = instrument.ok_or(Fault::NotFound("instrument"))?;
                if payment.saving == Saving::Wanted {
                    return Ok((self.authorise_kept(&instrument)?, None));
                }
                self.present(payment, &merchant.name, &instrument)?
            }
            Source::Token { token, expiry, trid, cryptogram } => {
                let own = self.db.read(|db| requestor_of(db, *token))?;
                let Some((trid, cryptogram)) = trid.or(own).zip(*cryptogram) else {
                    return Ok((Verdict::Declined("token_unknown"), None));
                };
                Presented { token: *token, expiry: *expiry, trid, cryptogram }
            }
        };
        let verdict = self.sandbox.authorise_token(&self.engine, payment, &merchant.name, &presented)?;
        Ok((verdict, Some(presented.token)))
    }

    /// Of a card that is only kept there is no token yet: it is presented itself.
    fn authorise_kept(&self, instrument: &Instrument) -> Result<Verdict, Fault> {
        if instrument.deleted.is_some() {
            return Ok(Verdict::Declined("card_deleted"));
        }
        Ok(self.sandbox.authorise_card(&self.engine, &instrument.fingerprint)?)
    }

    /// A saved instrument with a cryptogram for this payment, the same whenever asked.
    fn present(
        &self,
        payment: &Payment,
        merchant: &str,
        instrument: &Instrument,
    ) -> Result<Presented, Fault> {
        let key = format!("pay:{}", payment.id);
        let (token, trid) = (instrument.token, instrument.trid);
        let issued = self.engine.ask(|client| {
            let issue = Issue { token, trid, transaction: transaction(payment, merchant) };
            client.issue(issue, IdempotencyKey::parse(key.as_bytes()).ok())
        })?;
        Ok(Presented { token, expiry: issued.expiry, trid, cryptogram: issued.cryptogram })
    }

    /// Ends a step, and with it what depends on it: the issuer's book, and what the
    /// merchant is told.
    fn end(
        &self,
        payment: &Payment,
        from: State,
        to: State,
        reason: Option<&str>,
        token: Option<TokenNumber>,
        now: UnixTime,
    ) -> Result<(), Fault> {
        let ended = self.db.write(|tx| -> Result<bool, DbError> {
            let ended = Payment::advance(tx, payment.pk, from, to, reason)?;
            if ended && to == State::Charged {
                ledger::charge(tx, payment, token, now)?;
            }
            // Who saves as well is told when that is decided.
            let last = to == State::Failed || payment.saving != Saving::Wanted;
            if ended
                && last
                && let Some(payment) = Payment::by_pk(tx, payment.pk)?
            {
                self.tell(tx, &payment, now)?;
            }
            Ok(ended)
        })?;
        let wanted_still = to == State::Charged && payment.saving == Saving::Wanted;
        if let (Source::Card(handle), true, false) = (&payment.source, ended, wanted_still) {
            self.release(*handle);
        }
        Ok(())
    }
}
