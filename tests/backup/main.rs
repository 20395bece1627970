//! Backups: made under load, refused whole when anything of them was changed, and
//! restored in a drill.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

mod drill;
mod file;
#[path = "../daemon/process.rs"]
#[allow(dead_code)]
mod process;
