//! Power loss: the whole engine on a simulated disk, under SQLite itself.
//!
//! The disk loses, tears and reorders whatever is not synced, fails syncs and
//! fills up, all by seed. After each outage, everything that clients were told
//! is held against what is there.
//!
//!     cargo test --features power-loss --test power_loss
//!     POWER_LOSS_SEED=7 POWER_LOSS_POINTS=1 cargo test --features power-loss --test power_loss sweep
//!
//! From the bottom up: [`disk`] and [`drive`] are the disk, [`vfs`] and
//! [`system`] how SQLite and the store reach it; [`life`] is an engine on it,
//! [`ledger`] what its clients know, [`audit`] what is checked; [`point`] is one
//! seeded run of all that.
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
