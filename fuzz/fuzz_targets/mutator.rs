//! Half of the changes are made within CBOR.

use libfuzzer_sys::fuzzer_mutate;

use crate::cbor::{Draw, changed};

/// Changes the first `size` bytes and gives their number then, at most `max_size`.
pub fn mutate(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut draw = Draw(seed | 1);
    match changed(&data[..size], &mut draw).filter(|_| draw.below(2) == 0) {
        Some(changed) if changed.len() <= max_size => {
            data[..changed.len()].copy_from_slice(&changed);
            changed.len()
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
}
