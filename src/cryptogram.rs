//! Cryptogram profiles, one file each: pure functions of keys and data.
//!
//! What was issued before, what may be issued and what was consumed is not
//! known here; the engine decides that.

pub mod card_value;
mod decimal;
pub mod emv;
pub mod native;
mod self_test;
pub mod short;

pub use self_test::self_test;
