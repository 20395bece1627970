//! See `tallystick::fuzzing::server`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tallystick::fuzzing::server(data));
