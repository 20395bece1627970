//! One contract for all stores, and what each of them promises beside it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(clippy::as_conversions, missing_docs)]

mod authentic;
mod bank;
#[cfg(feature = "postgres")]
#[path = "../support/certificates.rs"]
mod certificates;
mod contract;
mod damage;
mod fixture;
mod load;
mod memory;
mod model;
#[cfg(feature = "postgres")]
mod postgres;
mod process;
mod room;
mod sample;
#[cfg(feature = "postgres")]
#[path = "../support/postgres.rs"]
mod server;
mod sqlite;
#[path = "../support/mod.rs"]
mod support;
mod torn;
mod wal;
