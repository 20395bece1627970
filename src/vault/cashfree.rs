//! Cashfree's Token Vault and payments, under `/pg`.
//!
//! A saved card is an instrument. Its order of things is a rule of the API: an order is
//! made, the customer consents, the order is paid with a second factor, and only then is
//! the card tokenised.

mod authenticate;
mod error;
mod instrument;
mod order;
mod pay;
mod payment;
mod visit;

use axum::Router;
use axum::routing::{get, post};

pub use error::Error;

use super::http::{Desk, on};

/// What is served.
pub fn router() -> Router<Desk> {
    Router::new()
        .route("/pg/orders", post(on(order::create)))
        .route("/pg/orders/{order}", get(on(order::fetch)))
        .route("/pg/orders/sessions", post(on(pay::pay)))
        .route("/pg/orders/pay/authenticate/{payment}", post(on(authenticate::submit)))
        .route("/pg/orders/{order}/payments", get(on(payment::list)))
        .route("/pg/orders/{order}/payments/{payment}", get(on(payment::fetch)))
        .route("/pg/simulate", post(on(authenticate::simulate)))
        .route("/pg/simulate/{simulation}", get(on(authenticate::simulated)))
        .route("/pg/customers/{customer}/instruments", get(on(instrument::list)))
        .route(
            "/pg/customers/{customer}/instruments/{instrument}",
            get(on(instrument::fetch)).delete(on(instrument::delete)),
        )
        .route(
            "/pg/customers/{customer}/instruments/{instrument}/cryptogram",
            get(on(instrument::cryptogram)),
        )
}
