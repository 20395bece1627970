//! See `tallystick::fuzzing::tr31`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tallystick::fuzzing::tr31(data));
