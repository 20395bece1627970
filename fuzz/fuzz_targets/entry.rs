//! See `tallystick::fuzzing::entry`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tallystick::fuzzing::entry(data));
