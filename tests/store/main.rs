//! One contract for all stores, and what each of them promises beside it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::as_conversions, missing_docs)]

mod contract;
mod damage;
mod fixture;
mod load;
mod memory;
mod model;
mod process;
mod sample;
mod sqlite;
mod torn;
mod wal;
