//! The sandbox: an issuer and a network for development.
//!
//! A card is approved unless it is one of the [`test_cards`]; a token is approved only if
//! the engine verifies its cryptogram for this payment, so a replay, or another amount
//! where the amount is bound, is really declined.

pub mod test_cards;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::db::{DbError, Instrument, Payment};
use super::engine::{Engine, EngineError};
use crate::command::Verify;
use crate::types::{
    Channel, Cryptogram, Expiry, Fingerprint, IdempotencyKey, Merchant, Network, Pan, ProviderName,
    TokenNumber, Transaction, Trid,
};
use crate::wire::Status;
use test_cards::{Scenario, TEST_CARDS};

/// What the issuer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It pays.
    Approved,
    /// It does not, for this reason.
    Declined(&'static str),
}

/// A token as it is presented.
#[derive(Debug, Clone, Copy)]
pub struct Presented {
    /// The token.
    pub token: TokenNumber,
    /// Its expiry.
    pub expiry: Expiry,
    /// Its requestor.
    pub trid: Trid,
    /// The cryptogram.
    pub cryptogram: Cryptogram,
}

/// The issuer and the network.
#[derive(Debug, Default)]
pub struct Sandbox {
    /// What the test cards do, by their fingerprints: nothing here knows a PAN.
    scenarios: Mutex<Option<HashMap<[u8; 32], Scenario>>>,
}

impl Sandbox {
    /// What a card does.
    ///
    /// # Errors
    /// [`EngineError`], which tells the fingerprints.
    pub fn scenario(&self, engine: &Engine, card: &Fingerprint) -> Result<Scenario, EngineError> {
        let mut kept = self.scenarios.lock().unwrap_or_else(PoisonError::into_inner);
        let scenarios = match kept.take() {
            Some(scenarios) => scenarios,
            None => fingerprints(engine)?,
        };
        let scenario = scenarios.get(card.as_bytes()).copied().unwrap_or(Scenario::Approve);
        *kept = Some(scenarios);
        Ok(scenario)
    }

    /// Whether the issuer pays with a card.
    ///
    /// # Errors
    /// [`EngineError`].
    pub fn authorise_card(&self, engine: &Engine, card: &Fingerprint) -> Result<Verdict, EngineError> {
        Ok(match self.scenario(engine, card)? {
            Scenario::Decline => Verdict::Declined("card_declined"),
            Scenario::IssuerTimeout => Verdict::Declined("issuer_timed_out"),
            _ => Verdict::Approved,
        })
    }

    /// Whether the issuer pays with a token: the engine verifies the cryptogram and
    /// consumes it, once for each payment however often it is asked.
    ///
    /// # Errors
    /// [`EngineError::Away`]; a refusal is a verdict.
    pub fn authorise_token(
        &self,
        engine: &Engine,
        payment: &Payment,
        merchant: &str,
        presented: &Presented,
    ) -> Result<Verdict, EngineError> {
        let key = format!("authorise:{}", payment.id);
        let transaction = transaction(payment, merchant);
        let verified = engine.ask(|client| {
            let Presented { token, expiry, trid, cryptogram } = *presented;
            client.verify(
                Verify { token, expiry, trid, transaction, cryptogram },
                IdempotencyKey::parse(key.as_bytes()).ok(),
            )
        });
        match verified {
            Ok(_) => {}
            Err(EngineError::Refused(Status::TokenSuspended)) => {
                return Ok(Verdict::Declined("token_suspended"));
            }
            Err(EngineError::Refused(Status::TokenDeactivated)) => {
                return Ok(Verdict::Declined("token_deactivated"));
            }
            Err(EngineError::Refused(Status::TokenExpired)) => return Ok(Verdict::Declined("token_expired")),
            Err(EngineError::Refused(_)) => return Ok(Verdict::Declined("cryptogram_refused")),
            Err(away) => return Err(away),
        }
        let view = engine.ask(|client| client.show(presented.token))?;
        self.authorise_card(engine, &view.fingerprint)
    }

    /// The providers that a card's token becomes active at. None: the network alone.
    #[must_use]
    pub fn providers(scenario: Scenario, network: Network) -> Option<Vec<ProviderName>> {
        let names = [network.name(), "issuer"].map(ProviderName::parse);
        match scenario {
            Scenario::SuspendedAtIssuer => Some(names.into_iter().flatten().collect()),
            Scenario::NeverActive => Some(Vec::new()),
            _ => None,
        }
    }
}

/// What a payment presents to the engine: its amount and merchant, of which a cryptogram
/// binds what it binds.
#[must_use]
pub fn transaction<'m>(payment: &Payment, merchant: &'m str) -> Transaction<'m> {
    Transaction {
        amount: Some((payment.amount, payment.currency)),
        merchant: Merchant::parse(merchant.as_bytes()).ok(),
        unpredictable: None,
        merchant_initiated: false,
        channel: Channel::Online,
    }
}

/// The requestor of a token that came without: a network knows its own tokens.
///
/// # Errors
/// [`DbError`].
pub fn requestor_of(db: &rusqlite::Connection, token: TokenNumber) -> Result<Option<Trid>, DbError> {
    Ok(Instrument::by_token(db, token)?.map(|instrument| instrument.trid))
}

fn fingerprints(engine: &Engine) -> Result<HashMap<[u8; 32], Scenario>, EngineError> {
    let mut scenarios = HashMap::new();
    for (digits, scenario, _) in TEST_CARDS {
        // Each of them is a valid number: a test below says so.
        let Ok(_) = Pan::parse(digits.as_bytes()) else { continue };
        let fingerprint = engine.ask(|client| {
            let pan = Pan::parse(digits.as_bytes())
                .map_err(|_| crate::client::ClientError::Request(Status::PanLuhn.into()))?;
            client.fingerprint(pan)
        })?;
        scenarios.insert(*fingerprint.as_bytes(), *scenario);
    }
    Ok(scenarios)
}
