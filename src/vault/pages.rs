//! Pages for customers: where they pay, and where their bank asks them.
//!
//! There are no cookies: who knows the address of a page is let in, and addresses have
//! random parts. So no other site can have a customer's browser do anything here that it
//! could not do itself. Pages load nothing from elsewhere and are not framed.

mod acs;
mod asset;
mod error;
mod hosted;
mod operator;
mod place;
mod shop;
mod view;

use axum::Router;
use axum::routing::{get, post};

pub use error::Error;

use super::http::{Desk, on};

/// What is served.
pub fn router() -> Router<Desk> {
    Router::new()
        .route("/operator", get(on(operator::show)))
        .route("/pay/{session}", get(on(hosted::show)).post(on(hosted::pay)))
        .route("/acs/{payment}", get(on(acs::show)).post(on(acs::decide)))
        .route("/assets/{asset}", get(on(asset::asset)))
}

/// The demo shop, for development.
pub fn shop() -> Router<Desk> {
    Router::new()
        .route("/shop", get(on(shop::show)))
        .route("/shop", post(on(shop::buy)))
        .route("/shop/{end}", get(on(shop::end)))
}
