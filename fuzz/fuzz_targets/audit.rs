//! See `tallystick::fuzzing::audit`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tallystick::fuzzing::audit(data));
