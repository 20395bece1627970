//! Saved instruments are shown, used and deleted.

use super::save::engine_key;
use super::{Fault, House};
use crate::command::{ChangeStatus, Issue, Issued, TokenView};
use crate::types::{
    Amount, Currency, DeactivationReason, IdempotencyKey, ProviderName, StatusEvent, TokenNumber,
    TokenStatus, Transaction, UnixTime,
};
use crate::vault::db::{Instrument, Merchant, Standing};
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
    /// Makes sure that these digits are a token's. What is none may be a PAN that came in
    /// the wrong field, and must not be kept.
    ///
    /// # Errors
    /// [`Fault::NotFound`], [`Fault::Engine`].
    pub fn known(&self, token: TokenNumber) -> Result<(), Fault> {
        match self.engine.ask(|client| client.show(token)) {
            Ok(_) => Ok(()),
            Err(EngineError::Refused(Status::UnknownToken)) => Err(Fault::NotFound("token")),
            Err(error) => Err(error.into()),
        }
    }

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
        // Whatever the engine has of it meanwhile: its first payment makes it a token.
        if instrument.standing == Standing::Kept {
            return Err(EngineError::Refused(Status::TokenInitiated).into());
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
            self.deactivate(instrument)?;
            self.db.write(|tx| Instrument::delete(tx, instrument.pk, now))?;
        }
        self.db.read(|db| Instrument::by_pk(db, instrument.pk))?.ok_or(Fault::NotFound("instrument"))
    }

    /// Ends the token at all its providers. One that stands at none has nothing to end and
    /// would keep its PAN, so it is first put to one that is nobody but this vault.
    fn deactivate(&self, instrument: &Instrument) -> Result<(), Fault> {
        let change = |step, provider: Option<&ProviderName>, event| {
            let key = engine_key(step, &instrument.id);
            let changed = self.engine.ask(|client| {
                let change = ChangeStatus { token: instrument.token, provider: provider.cloned(), event };
                client.change_status(change, IdempotencyKey::parse(key.as_bytes()).ok())
            });
            match changed {
                Ok(view) => Ok(view.providers.overall()),
                // It has ended before, as that of an expired card.
                Err(EngineError::Refused(Status::TokenDeactivated)) => {
                    Ok(TokenStatus::Deactivated(DeactivationReason::Requested))
                }
                Err(error) => Err(error),
            }
        };
        let end = StatusEvent::Deactivate(DeactivationReason::Requested);
        if change("delete", None, end)? == TokenStatus::Initiated {
            let vault = ProviderName::parse("vault").ok();
            change("delete:stand", vault.as_ref(), StatusEvent::Resume)?;
            change("delete:end", None, end)?;
        }
        Ok(())
    }
}
