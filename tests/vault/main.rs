//! The vault as merchants see it: `tally dev` runs, and is asked over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod browser;
mod cashfree;
mod faults;
mod http;
mod juspay;
mod openapi;
mod operator;
mod pages;
mod razorpay;
mod sdk;
mod sessions;
mod shapes;
mod shop;
mod traces;
mod webhook;
