//! See `tallystick::fuzzing::reply`. Half of the changes are made within CBOR.
#![no_main]

mod cbor;

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|data: &[u8]| tallystick::fuzzing::reply(data));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let mut draw = cbor::Draw(seed | 1);
    match cbor::changed(&data[..size], &mut draw).filter(|_| draw.below(2) == 0) {
        Some(changed) if changed.len() <= max_size => {
            data[..changed.len()].copy_from_slice(&changed);
            changed.len()
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
});
