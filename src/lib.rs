//! Tallystick: an embedded, HSM-style cryptogram engine.

pub mod types;
