//! See `tallystick::fuzzing::anchor`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tallystick::fuzzing::anchor(data));
