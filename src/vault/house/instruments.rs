//! Saved instruments are shown, used and deleted.

use super::save::engine_key;
use super::{Fault, House};
use crate::command::{ChangeStatus, Issue, Issued, TokenView};
use crate::types::{
    Amount, Currency, DeactivationReason, IdempotencyKey, StatusEvent, TokenStatus, Transaction, UnixTime,
};
use crate::vault::db::{Instrument, Merchant};
use crate::vault::engine::EngineError;
use crate::wire::Status;

/// An instrument, and its token as the engine has it.
#[derive(Debug)]
pub struct Shown {
    /// The instrument.
    pub instrument: Instrument,
    /// The token.
    pub token: TokenView,
}

/// A cryptogram that was fetched.
#[derive(Debug)]
pub struct Fetched {
    /// The instrument.
    pub instrument: Instrument,
    /// The cryptogram, and the token's expiry.
    pub issued: Issued,
}

impl Shown {
    /// The overall status.
    #[must_use]
    pub fn status(&self) -> TokenStatus {
        self.token.providers.overall()
    }
}

impl House {
    /// An instrument with its token.
    ///
    /// # Errors
    /// [`Fault::Engine`].
    pub fn shown(&self, instrument: Instrument) -> Result<Shown, Fault> {
        let token = self.engine.ask(|client| client.show(instrument.token))?;
        Ok(Shown { instrument, token })
    }

    /// A customer's instruments that are not deleted.
    ///
    /// # Errors
    /// [`Fault::Engine`], [`Fault::Db`].
    pub fn instruments_of(&self, merchant: &Merchant, customer: &str) -> Result<Vec<Shown>, Fault> {
        let found = self.db.read(|db| Instrument::of_customer(db, merchant.pk, customer))?;
        found.into_iter().map(|instrument| self.shown(instrument)).collect()
    }

    /// A cryptogram of an instrument, bound to an amount if one is given. With an
    /// idempotency key the same is given again.
    ///
    /// # Errors
    /// [`Fault::Deleted`], [`Fault::KeyReused`], [`Fault::KeyMalformed`], [`Fault::Engine`].
    pub fn cryptogram(
        &self,
        instrument: Instrument,
        amount: Option<(Amount, Currency)>,
        key: Option<&str>,
    ) -> Result<Fetched, Fault> {
        if instrument.deleted.is_some() {
            return Err(Fault::Deleted);
        }
        // The engine knows the vault as one caller, so whose key it is belongs into it.
        let key = key.map(|key| engine_key(&format!("fetch:{}", instrument.merchant), key));
        let issued = self.engine.ask(|client| {
            let transaction = Transaction { amount, ..Transaction::UNKNOWN };
            let issue = Issue { token: instrument.token, trid: instrument.trid, transaction };
            client.issue(issue, key.as_ref().and_then(|key| IdempotencyKey::parse(key.as_bytes()).ok()))
        });
        match issued {
            Ok(issued) => Ok(Fetched { instrument, issued }),
            Err(EngineError::Refused(Status::IdempotencyConflict)) => Err(Fault::KeyReused),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes an instrument, and deactivates its token at all providers. To be asked
    /// again does no harm.
    ///
    /// # Errors
    /// [`Fault::Engine`], [`Fault::Db`].
    pub fn delete(&self, instrument: &Instrument, now: UnixTime) -> Result<Instrument, Fault> {
        if instrument.deleted.is_none() {
            let key = engine_key("delete", &instrument.id);
            let event = StatusEvent::Deactivate(DeactivationReason::Requested);
            let deactivated = self.engine.ask(|client| {
                let change = ChangeStatus { token: instrument.token, provider: None, event };
                client.change_status(change, IdempotencyKey::parse(key.as_bytes()).ok())
            });
            match deactivated {
                // It has ended before, as that of an expired card.
                Ok(_) | Err(EngineError::Refused(Status::TokenDeactivated)) => {}
                Err(error) => return Err(error.into()),
            }
            self.db.write(|tx| Instrument::delete(tx, instrument.pk, now))?;
        }
        self.db.read(|db| Instrument::by_pk(db, instrument.pk))?.ok_or(Fault::NotFound("instrument"))
    }
}
