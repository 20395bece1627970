//! Razorpay's TokenHQ and payments, under `/v1`.
//!
//! A saved card is a token: `token_` and the fourteen letters and digits of its
//! instrument. Where it stands at a token service provider, it is an `spt_` of the same.

mod authenticate;
mod card;
mod contact;
mod cryptogram;
mod customer;
mod entity;
mod error;
mod find;
mod notes;
mod order;
mod pay;
mod payment;
mod token;
mod tokenise;
mod visit;

use axum::Router;
use axum::routing::{get, post};

pub use error::Error;

use super::http::{Desk, on};

/// Who may have authenticated a cardholder, or provided a token.
const PROVIDERS: [&str; 13] = [
    "amex",
    "axis_migs",
    "cashfree",
    "ccavenue",
    "cybersource",
    "first_data",
    "fss",
    "hdfc",
    "mpgs",
    "paysecure",
    "paytm",
    "payu",
    "zakpay",
];

/// What is served.
pub fn router() -> Router<Desk> {
    Router::new()
        .route("/v1/customers", post(on(customer::create)))
        .route("/v1/customers/{customer}", get(on(customer::fetch)))
        .route("/v1/customers/{customer}/tokens", get(on(token::list)))
        .route(
            "/v1/customers/{customer}/tokens/{token}",
            get(on(token::fetch_of_customer)).delete(on(token::delete_of_customer)),
        )
        .route("/v1/tokens", post(on(tokenise::create)))
        .route("/v1/tokens/fetch", post(on(token::fetch)))
        .route("/v1/tokens/delete", post(on(token::delete)))
        .route("/v1/tokens/service_provider_tokens/token_transactional_data", post(on(cryptogram::fetch)))
        .route("/v1/orders", post(on(order::create)))
        .route("/v1/orders/{order}", get(on(order::fetch)))
        .route("/v1/orders/{order}/payments", get(on(payment::list)))
        .route("/v1/payments/create/json", post(on(pay::create)))
        .route("/v1/payments/{payment}", get(on(payment::fetch)))
        .route("/v1/payments/{payment}/authenticate", get(on(authenticate::submit)))
}
