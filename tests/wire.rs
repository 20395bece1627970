//! Every message comes back as it was sent; whatever is wrong with one is told
//! by its own status, and never shown.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "wire/cards.rs"]
mod cards;
#[path = "wire/codec.rs"]
mod codec;
#[path = "wire/entry.rs"]
mod entry;
#[path = "wire/fixed.rs"]
mod fixed;
#[path = "wire/maps.rs"]
mod maps;
#[path = "wire/round_trip.rs"]
mod round_trip;
#[path = "wire/strategies.rs"]
mod strategies;
