//! Key blocks of other systems: ASC X9 TR 31-2018, now ANSI X9.143:2021.
//!
//! A block is text: a [`Header`] that says what the key is for, the encrypted key,
//! and a MAC that binds both. Versions A, B, C (TDES) and D (AES) are read, B and D
//! written. What a header asks for is believed only after its MAC: until then it is
//! a [`Block`] that was parsed, and no more.

mod attributes;
mod binding;
mod block;
mod error;
mod header;
mod optional;
mod protection;
mod unwrap;
mod usage;
mod version;
mod wrap;

pub use attributes::{Algorithm, Exportability, KeyContext, KeyVersionNumber, ModeOfUse};
pub use block::Block;
pub use error::Tr31Error;
pub use header::{HEADER_LEN, Header};
pub use optional::{OptionalBlock, OptionalBlocks};
pub use protection::{ClearKey, ProtectionKey};
pub use usage::KeyUsage;
pub use version::BlockVersion;

#[cfg(test)]
mod tests;
