//! Juspay's saved cards and payments, at the root.
//!
//! It keeps cards without a payment, which the order of things of a token does not have:
//! consent, a payment with a second factor, and only then a token. So a card that is added
//! is kept (`VAULT`) and can be paid with; its token is activated when the first payment
//! with it has passed the second factor and is charged (`NETWORK_TOKEN`).

mod add;
mod cards;
mod error;
mod order;
mod start;
mod status;
mod tell;
mod txn;
mod visit;

use axum::Router;
use axum::routing::{get, post};

pub use error::Error;
pub use status::back;
pub use tell::tell;

use super::http::{Desk, on};

/// What is served.
pub fn router() -> Router<Desk> {
    Router::new()
        .route("/card/add", post(on(add::add)))
        .route("/card/list", get(on(cards::list)))
        .route("/cards", get(on(cards::list)))
        .route("/card/delete", post(on(cards::delete)))
        .route("/order/create", post(on(order::create)))
        .route("/orders", post(on(order::create)))
        .route("/order/status", get(on(order::asked)))
        .route("/orders/{order}", get(on(order::fetch)))
        .route("/txns", post(on(txn::begin)))
        .route("/pay/start/{merchant}/{txn}", get(on(start::start)))
}
