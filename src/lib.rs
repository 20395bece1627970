//! Tallystick: an embedded, HSM-style cryptogram engine.

pub mod command;
pub mod store;
pub mod types;
