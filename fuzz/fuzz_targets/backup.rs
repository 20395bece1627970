//! See `tallystick::fuzzing::backup`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tallystick::fuzzing::backup(data));
