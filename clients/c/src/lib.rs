//! Tallystick's client as a shared library, for C and for whatever binds to C.
//!
//! `ffi` is the whole boundary and the only place with `unsafe`: it looks at pointers, lengths
//! and texts, and catches panics. What it calls is safe: `session` asks, `parse` makes the
//! engine's types, `layout` is what a caller gives and gets, `code` is what may be answered. The header is made of these files
//! (`tests/header.rs`).

mod code;
mod ffi;
mod layout;
mod parse;
mod session;

pub use code::*;
pub use ffi::*;
pub use layout::*;
