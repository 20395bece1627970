//! The audit log: what tampering, crashes and failing disks make of it, and what the
//! real daemon records.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

mod admin;
mod crash;
mod daemon;
mod failing;
mod full_disk;
#[path = "../daemon/head_service.rs"]
#[allow(dead_code)]
mod head_service;
mod log;
#[path = "../daemon/process.rs"]
#[allow(dead_code)]
mod process;
mod tamper;
