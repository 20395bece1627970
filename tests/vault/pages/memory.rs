//! What is in a process's memory.

use std::fs::{File, read_to_string};
use std::os::unix::fs::FileExt;

/// Every piece that can be written: what is read only came from files.
pub fn of(pid: u32) -> Vec<Vec<u8>> {
    let memory = File::open(format!("/proc/{pid}/mem")).unwrap();
    let maps = read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let pieces =
        maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw")));
    let read = |line: &str| {
        let (from, to) = line.split(' ').next()?.split_once('-')?;
        let from = u64::from_str_radix(from, 16).ok()?;
        let mut bytes = vec![0; usize::try_from(u64::from_str_radix(to, 16).ok()? - from).ok()?];
        // A piece that is gone by now, or that the kernel keeps to itself.
        memory.read_exact_at(&mut bytes, from).ok()?;
        Some(bytes)
    };
    pieces.filter_map(read).collect()
}

pub fn has(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
