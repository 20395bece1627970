//! See `tallystick::fuzzing::emv`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tallystick::fuzzing::emv(data));
