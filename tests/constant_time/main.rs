//! Times that must not tell anything, compared by statistics.
//!
//! Run by itself, optimised, since it measures: `cargo test --release --test
//! constant_time`. A plain `cargo test` leaves it out. It never asserts how long
//! something takes, only whether two things can be told apart by it, against two
//! of a kind measured in the same run; and each kind of check must find a
//! difference that is planted. What is too small to be found is in `statistics.rs`.
//!
//! An argument has those checks run whose names hold it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod compares;
mod refusals;
mod statistics;
#[path = "../support/mod.rs"]
mod support;

use std::process::ExitCode;

/// How often a check is repeated before it counts: a machine's moods pass, a leak
/// does not. But one that is so small that it is missed in any of them passes too.
const ATTEMPTS: usize = 3;

/// What is compared, and what should come of it.
struct Check {
    name: String,
    /// It is there to be found.
    is_planted: bool,
    /// Measures, and says whether the two can be told apart.
    differs: Box<dyn FnMut() -> bool>,
}

fn main() -> ExitCode {
    let (mut failed, wanted) = (0, std::env::args().nth(1).unwrap_or_default());
    let checks = compares::checks().into_iter().chain(refusals::checks());
    for mut check in checks.filter(|check| check.name.contains(&wanted)) {
        // What is planted must be found at least once; what is constant, not always.
        let found = (0..ATTEMPTS).map(|_| (check.differs)());
        let ends_at = |differs: &bool| *differs == check.is_planted;
        let good = found.into_iter().any(|differs| ends_at(&differs));
        let says = match (good, check.is_planted) {
            (true, false) => "constant",
            (true, true) => "planted, and found",
            (false, false) => "TELLS SOMETHING",
            (false, true) => "PLANTED, AND NOT FOUND",
        };
        println!("   {}: {says}", check.name);
        failed += u32::from(!good);
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
