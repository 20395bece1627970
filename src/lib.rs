//! Tallystick: an embedded, HSM-style cryptogram engine.
//!
//! Payment-token keys live in locked memory; each transaction has its own
//! cryptogram; each cryptogram is accepted exactly once, through any crash. The
//! house and its reasons are in `ARCHITECTURE.md`; the bytes in
//! `docs/FORMATS.md` and `docs/WIRE.md`.
//!
//! A vault on the same host reaches a running daemon through
//! [`client::Client`]. A program that embeds the engine opens a
//! [`store::Store`], unseals an [`engine::Engine`] with a [`keys::Keyring`], and
//! opens each [`engine::Pending`] answer with the receipt of its commit.

pub mod account;
pub mod audit;
pub mod cards;
pub mod client;
pub mod command;
pub mod crypto;
pub mod cryptogram;
pub mod daemon;
pub mod engine;
pub mod entry;
#[doc(hidden)]
pub mod fuzzing;
pub mod keys;
pub mod secmem;
pub mod store;
pub mod types;
#[cfg(feature = "vault")]
pub mod vault;
pub mod wire;
