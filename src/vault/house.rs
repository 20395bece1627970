//! What all the APIs have in common: cards are held, payments begun, authenticated and
//! charged, instruments saved, used and deleted. Everything here waits for its answers;
//! the listener calls it from threads that may wait.
//!
//! The order of things is a rule: consent, then a payment with its second factor, and
//! only when that is charged the card is saved.

mod begin;
mod charge;
mod enter;
mod fault;
mod hold;
mod instruments;
mod save;
mod sweep;
mod tokenise;

use std::sync::Arc;

use rusqlite::Transaction;

pub use begin::Begin;
pub use charge::Outcome;
pub use fault::Fault;
pub use hold::{Entered, card_expiry};
pub use instruments::{Fetched, Shown};
pub use save::Saved;

use super::db::{Api, Db, DbError, Payment};
use super::engine::Engine;
use super::network::Sandbox;
use super::watch::Watch;
use crate::types::UnixTime;

/// Writes down what a merchant is to be told of a payment that has come to its end, in
/// the transaction in which it does.
pub type Teller = fn(&Transaction<'_>, &Payment, UnixTime) -> Result<(), DbError>;

/// The vault behind its APIs.
pub struct House {
    /// The vault's own database.
    pub db: Db,
    /// The way to the engine.
    pub engine: Engine,
    /// The issuer and the network.
    pub sandbox: Sandbox,
    /// Where it is reached from outside, without a slash at the end.
    pub public: String,
    /// What operators see, where they may.
    pub watch: Option<Watch>,
    tellers: Vec<(Api, Teller)>,
    /// What was begun before is nobody's work any more.
    began: UnixTime,
}

impl House {
    /// A house with those who tell merchants of payments.
    #[must_use]
    pub fn new(
        db: Db,
        engine: Engine,
        public: String,
        watch: Option<Watch>,
        tellers: Vec<(Api, Teller)>,
    ) -> Arc<Self> {
        let began = UnixTime::from_system_clock();
        Arc::new(Self { db, engine, sandbox: Sandbox::default(), public, watch, tellers, began })
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        UnixTime::from_system_clock()
    }

    fn tell(&self, tx: &Transaction<'_>, payment: &Payment, now: UnixTime) -> Result<(), DbError> {
        let mut tellers = self.tellers.iter().filter(|(api, _)| *api == payment.api);
        tellers.try_for_each(|(_, teller)| teller(tx, payment, now))
    }
}

impl std::fmt::Debug for House {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "House({})", self.public)
    }
}
