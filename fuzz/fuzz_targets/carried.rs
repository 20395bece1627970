//! See `tallystick::fuzzing::carried`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tallystick::fuzzing::carried(data));
