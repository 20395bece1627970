//! Clients in other languages, in environments of their own, against the real daemon.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod python;
