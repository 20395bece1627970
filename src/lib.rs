//! Tallystick: an embedded, HSM-style cryptogram engine.

pub mod account;
pub mod client;
pub mod command;
pub mod crypto;
pub mod cryptogram;
pub mod daemon;
pub mod engine;
pub mod keys;
pub mod secmem;
pub mod store;
pub mod types;
pub mod wire;
