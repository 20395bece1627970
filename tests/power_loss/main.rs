//! Power loss.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

#[path = "../support/mod.rs"]
mod support;

mod ask;
mod audit;
mod disk;
mod drive;
mod failed_sync;
mod full_disk;
mod ledger;
mod life;
mod point;
mod rig;
mod sweep;
mod system;
mod vfs;
mod workload;
mod world;
