//! Locked memory for keys, and the only `unsafe` code of the crate.
//!
//! A [`Region`] is one mapping between two guard pages, divided into slots of
//! [`SLOT_BYTES`]. A [`Secret32`] owns one slot: its bytes are written in
//! place, never move, and are wiped before the slot can be used again. A
//! [`Placed`] has neighbouring slots, for what is larger.
//!
//! Two rules for whoever uses this module:
//!
//! - Call [`harden`] and make the regions before the first thread is started
//!   and before anything forks. Both take effect in more than one step, and a
//!   fork between two of them would see the state in between.
//! - A process forked without `exec` must not touch a [`Secret32`] it
//!   inherited, nor drop one: the pages are not there, and it dies of
//!   `SIGSEGV`.

mod allocator;
mod area;
mod capabilities;
mod error;
mod harden;
mod mapping;
mod placed;
mod protection;
mod region;
mod secret;
mod secret_file;
mod slot;
mod stack;

#[cfg(test)]
mod child;
#[cfg(test)]
mod isolation;
#[cfg(test)]
pub(crate) mod residue;

pub use allocator::settle_allocator;
pub use capabilities::give_up_capabilities;
pub use error::RegionError;
pub use harden::{HardenError, Hardening, harden};
pub use placed::Placed;
pub use protection::Protection;
pub use region::{MAX_SLOTS, Region};
pub use secret::Secret32;
pub use slot::SLOT_BYTES;
pub use stack::{CIPHER_STACK, MAC_STACK, RSA_STACK, START_STACK, TURN_STACK, scrubbed};
