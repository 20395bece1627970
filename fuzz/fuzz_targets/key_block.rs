//! See `tallystick::fuzzing::key_block`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tallystick::fuzzing::key_block(data));
