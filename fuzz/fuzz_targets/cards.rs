//! See `tallystick::fuzzing::cards`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tallystick::fuzzing::cards(data));
