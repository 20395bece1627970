//! `tally-vault`: saved cards, tokens and payments on the engine, through APIs that
//! merchants already call.
//!
//! It reaches the engine through [`client`](crate::client) only, as any other vault
//! would, and stores no PAN, no card verification value and no key: a card that comes in
//! goes to the engine at once, which holds it until it is saved or let go.

pub mod body;
pub mod card;
pub mod cashfree;
pub mod config;
pub mod db;
pub mod engine;
pub mod house;
pub mod http;
pub mod ids;
pub mod juspay;
pub mod merchants;
pub mod network;
pub mod pages;
pub mod razorpay;
mod serve;
pub mod sessions;
pub mod trace;
pub mod watch;
pub mod webhook;
pub mod words;

pub use config::{Config, Operator};
pub use serve::{VaultError, run, stopped};
