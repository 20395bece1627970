//! See `tallystick::fuzzing::share`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tallystick::fuzzing::share(data));
