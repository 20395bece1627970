//! Payment sessions, under `/sessions`: a window of time in which an order may be paid
//! once, on our page or on the merchant's.
//!
//! On the merchant's page the card is encrypted under a key that the engine made for the
//! session; the merchant and the vault see it only so. A method is saved when the payment
//! is charged, for who consented, and its verification value is asked for each time.

mod cancel;
mod confirm;
mod create;
mod customer;
mod error;
mod fetch;
mod key;
mod method;
mod open;
mod pay;
mod show;
mod standing;
mod visit;
mod wanted;

use axum::Router;
use axum::routing::{get, post};
use rusqlite::Transaction;

pub use cancel::give_up;
pub use error::Error;
pub use key::keyed;
pub use method::{Paying, decoded};
pub use open::open;
pub use pay::{Pay, pay};
pub use standing::Standing;
pub use wanted::{Kind, Urls, Wanted, Who};

use super::db::{self, DbError, Payment, Source, State, Wallet};
use super::house::Shown;
use super::http::{Desk, on};
use crate::types::{TokenStatus, UnixTime};

/// What is served.
pub fn router() -> Router<Desk> {
    Router::new()
        .route("/sessions", post(on(create::create)))
        .route("/sessions/{session}", get(on(fetch::fetch)))
        .route("/sessions/{session}/confirm", post(on(confirm::confirm)))
        .route("/sessions/{session}/cancel", post(on(cancel::cancel)))
        .route("/sessions/customers/{customer}", get(on(customer::fetch)))
}

/// Whether a saved card can be paid with: its token is active, or waits for a first
/// payment.
#[must_use]
pub fn usable(saved: &Shown) -> bool {
    saved.status() == TokenStatus::Active || saved.instrument.standing == db::Standing::Kept
}

/// A wallet is saved in the transaction in which its payment is charged.
///
/// # Errors
/// [`DbError`].
pub fn save_wallet(tx: &Transaction<'_>, payment: &Payment, now: UnixTime) -> Result<(), DbError> {
    let id = payment.detail("saveWalletAs").as_str();
    let (Source::Wallet, State::Charged, Some(id), Some(customer)) =
        (&payment.source, payment.state, id, &payment.customer)
    else {
        return Ok(());
    };
    let wallet = Wallet {
        id: id.to_owned(),
        merchant: payment.merchant,
        customer: customer.clone(),
        origin: payment.id.clone(),
        created: now,
    };
    wallet.add(tx)
}
