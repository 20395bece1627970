//! See `tallystick::fuzzing::rows`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tallystick::fuzzing::rows(data));
