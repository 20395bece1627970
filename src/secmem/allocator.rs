//! The C library's allocator.
#![allow(unsafe_code)]

use std::hint::black_box;
use std::thread::{available_parallelism, spawn};

/// Arenas for each processor: glibc's own figure.
const ARENAS: usize = 8;

/// Has the allocator look up now what it would else look up once, in whichever
/// thread first comes to it: that thread may open no files any more. To be called
/// before threads are confined.
///
/// glibc reads the number of processors in `/sys` when there are many arenas, and
/// `/proc/sys/vm/overcommit_memory` when it first gives back part of one.
pub fn settle_allocator() {
    let processors = available_parallelism().map_or(1, usize::from);
    let arenas = libc::c_int::try_from(ARENAS.saturating_mul(processors)).unwrap_or(libc::c_int::MAX);
    #[cfg(target_env = "gnu")]
    // SAFETY: takes two integers and changes a setting of the allocator's.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, arenas);
    }
    #[cfg(not(target_env = "gnu"))]
    let _ = arenas;
    // A thread has an arena of its own, of which all this comes free at once.
    let giving_back = spawn(|| drop(black_box((0..64).map(|_| vec![1u8; 65_000]).collect::<Vec<_>>())));
    // Whether it could be is seen when it is needed.
    let _ = giving_back.join();
}
