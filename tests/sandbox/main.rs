//! The sandbox of the real daemon: what is forbidden kills it, and every system
//! call that is allowed is made.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

mod admin;
#[cfg(feature = "postgres")]
#[path = "../support/certificates.rs"]
mod certificates;
#[path = "../memory/daemon.rs"]
#[allow(dead_code)]
mod daemon;
#[cfg(feature = "postgres")]
mod database;
#[path = "../memory/factors.rs"]
#[allow(dead_code)]
mod factors;
#[path = "../support/heir.rs"]
mod heir;
mod kills;
#[path = "../memory/load.rs"]
#[allow(dead_code)]
mod load;
mod needed;
#[path = "../memory/search.rs"]
#[allow(dead_code)]
mod search;
#[cfg(feature = "postgres")]
#[path = "../support/postgres.rs"]
mod server;
mod threads;
mod trace;
