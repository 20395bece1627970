//! A seeded simulation of the whole engine: dozens of clients, a faulting disk, a
//! lagging anchor, a lossy network, and clocks that are set forward and back, in
//! one thread and in simulated time. Every answer is checked against a model.
//!
//! `cargo test --test simulation -- --seed 7 --runs 1 --seconds 600`
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::unreachable
)]

mod agenda;
mod arguments;
mod clients;
mod clock;
#[path = "../support/emv.rs"]
mod emv;
mod end;
mod field;
mod ledger;
mod model;
mod seeded;
mod server;
mod trace;
mod trouble;
mod wish;
mod world;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use arguments::Arguments;
use trace::{Failure, Kind, short};
use world::World;

/// What every call must have met, all its runs together; else the checks prove
/// little.
const MUST_HAPPEN: &[Kind] = &[
    ("", "appends that failed"),
    ("", "appends that found no space"),
    ("", "clock steps backward"),
    ("", "clock steps forward"),
    ("", "copies put back that were not older"),
    ("", "crashes"),
    ("", "groups followed"),
    ("", "groups that were durable though nobody was told"),
    ("", "keys destroyed"),
    ("", "keys rotated"),
    ("", "nodes with an older keyring that stopped"),
    ("", "older anchors refused"),
    ("", "older disks refused"),
    ("", "older keyrings refused"),
    ("", "pages written"),
    ("", "requests sent again"),
    ("", "rows fetched"),
    ("", "times a group waited for room"),
    ("", "times nodes changed places"),
    ("", "times the other node took over"),
    ("answered", "emv_issue"),
    ("answered", "emv_verify"),
    ("answered", "issue"),
    ("answered", "reseal"),
    ("answered", "verify"),
    ("answered", "verify_card_value"),
    ("answered", "verify_short"),
    ("refused", "behind_window"),
    ("refused", "busy"),
    ("refused", "card_limit"),
    ("refused", "card_locked"),
    ("refused", "card_value_mismatch"),
    ("refused", "counter_of_chip"),
    ("refused", "from_future"),
    ("refused", "idempotency_conflict"),
    ("refused", "never_issued"),
    ("refused", "par_conflict"),
    ("refused", "replayed"),
    ("refused", "short_locked"),
    ("refused", "storage_full"),
    ("refused", "token_expired"),
    ("refused", "token_locked"),
    ("refused", "too_old"),
];

/// How many times as many seeds are run, at most, until all of it has happened.
const MOST: u64 = 6;

fn main() -> ExitCode {
    let arguments = match Arguments::read() {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("simulation: {error}");
            return ExitCode::from(2);
        }
    };
    if !arguments.is_wanted {
        return ExitCode::SUCCESS;
    }
    std::panic::set_hook(Box::new(|panic| {
        if panic.payload().downcast_ref::<Failure>().is_none() {
            eprintln!("{panic}");
        }
    }));
    let (begun, mut all) = (Instant::now(), BTreeMap::new());
    let mut simulated = 0;
    let enough = arguments.seed.saturating_add(arguments.runs);
    for seed in arguments.seed..arguments.seed.saturating_add(arguments.runs * MOST) {
        // Seeds do not meet everything each, and meet other things when the engine changes.
        if seed >= enough && missing(&all).is_empty() {
            break;
        }
        let Some((digest, world)) = run(seed, &arguments) else { return ExitCode::FAILURE };
        let Some((again, _)) = run(seed, &arguments) else { return ExitCode::FAILURE };
        if digest != again {
            eprintln!("seed {seed}: two runs are not the same: {} and {}", short(&digest), short(&again));
            return ExitCode::FAILURE;
        }
        simulated += 2 * world.clock.ms;
        for (what, count) in world.trace.counts() {
            *all.entry(*what).or_insert(0) += count;
        }
    }
    report(&all, simulated, begun.elapsed());
    check_happened(&all, &arguments)
}

/// One run, told in a line. None if a check did not hold.
fn run(seed: u64, arguments: &Arguments) -> Option<([u8; 32], World)> {
    let begun = Instant::now();
    let mut world = World::new(seed, arguments.seconds * 1000);
    let result = catch_unwind(AssertUnwindSafe(|| world.run()));
    if let Err(payload) = result {
        let failure = payload.downcast_ref::<Failure>();
        let about = failure.and_then(|failure| failure.about);
        world.trace.print(about);
        let text = failure.map_or("the code under test panicked", |failure| &failure.text);
        eprintln!("seed {seed}, {} ms: {text}", world.clock.ms);
        let seconds = arguments.seconds;
        eprintln!("again: cargo test --test simulation -- --seed {seed} --runs 1 --seconds {seconds}");
        return None;
    }
    let digest = world.trace.digest();
    println!(
        "seed {seed}: {} s simulated in {:.1} s, {} requests, {} groups, {} crashes, {} starts, {} tokens, \
         {} cryptograms accepted, digest {}",
        world.clock.ms / 1000,
        begun.elapsed().as_secs_f64(),
        world.requests,
        world.trace.counted("groups"),
        world.trace.counted("crashes"),
        world.trace.counted("starts"),
        world.model.decided.tokens.len(),
        world.ledger.accepted_count(),
        short(&digest)
    );
    Some((digest, world))
}

fn report(all: &BTreeMap<Kind, u64>, simulated: u64, took: Duration) {
    println!("what happened, each run counted once:");
    for ((sort, what), count) in all {
        println!("{count:>9} {sort} {what}");
    }
    let (simulated, took) = (simulated as f64 / 1000.0, took.as_secs_f64());
    println!("{simulated:.0} s simulated in {took:.1} s: {:.0} times as fast as the clock", simulated / took);
}

fn missing(all: &BTreeMap<Kind, u64>) -> Vec<&'static Kind> {
    MUST_HAPPEN.iter().filter(|what| !all.contains_key(*what)).collect()
}

/// A run that met nothing proves nothing; a single run may be short of something.
fn check_happened(all: &BTreeMap<Kind, u64>, arguments: &Arguments) -> ExitCode {
    let missing = missing(all);
    if missing.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("these never happened: {missing:?}");
    if arguments.runs * arguments.seconds < 240 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
