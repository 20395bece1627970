//! Tallystick: an embedded, HSM-style cryptogram engine.

pub mod command;
pub mod secmem;
pub mod store;
pub mod types;
