//! The real daemon, as a process, over its real sockets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions
)]

mod bad_input;
mod bulk;
mod command_line;
mod custody;
mod dual;
mod entry;
mod field;
mod full_disk;
mod handover;
mod head_service;
#[path = "../support/heir.rs"]
mod heir;
mod keyblock;
#[path = "../memory/keyring.rs"]
mod keyring;
#[cfg(feature = "postgres")]
mod nodes;
mod observed;
mod peers;
mod process;
mod raw;
mod rekey;
mod rollback;
#[path = "../memory/search.rs"]
#[allow(dead_code)]
mod search;
mod secrets;
#[cfg(feature = "postgres")]
#[path = "../support/postgres.rs"]
mod server;
mod service;
mod serving;
