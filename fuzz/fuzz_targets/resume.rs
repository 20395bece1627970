//! See `tallystick::fuzzing::resume`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tallystick::fuzzing::resume(data));
