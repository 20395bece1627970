//! Thousands of points, and proof that they would find what they look for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::drive::{Act, Lie, Of};
use crate::ledger::Violation;
use crate::life::Phase;
use crate::point::{self, Findings};

/// Points of a full run. Fewer or more: `POWER_LOSS_POINTS`.
const POINTS: u64 = 2500;
/// Points in which a drive that lies must have been found out.
const PATIENCE: u64 = 600;

/// A number from the environment.
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

/// What happened at many points, together.
#[derive(Debug, Default)]
struct Sum {
    points: u64,
    outages: u64,
    errors: u64,
    kills: u64,
    full: u64,
    told: u64,
    phases: BTreeMap<Phase, u64>,
    struck: BTreeMap<(Act, Of), u64>,
    broken: BTreeMap<u64, Vec<Violation>>,
}

impl Sum {
    fn add(&mut self, seed: u64, found: Findings) {
        self.points += 1;
        self.outages += found.struck.len() as u64;
        self.errors += found.errors;
        self.kills += found.kills;
        self.full += found.full;
        self.told += found.told;
        for (phase, struck) in found.struck {
            *self.phases.entry(phase).or_default() += 1;
            struck.into_iter().for_each(|at| *self.struck.entry(at).or_default() += 1);
        }
        if !found.violations.is_empty() {
            self.broken.insert(seed, found.violations);
        }
    }

    fn report(&self) -> String {
        let Self { points, outages, errors, kills, full, told, phases, struck, broken } = self;
        let mut text = format!(
            "{points} points: {outages} outages, {errors} errors, {kills} kills; {told} answers, \
             {full} that the disk is full\nby phase: {phases:?}\nby act: {struck:?}\n"
        );
        for (seed, violations) in broken.iter().take(20) {
            let _ =
                writeln!(text, "{:?}\n  POWER_LOSS_SEED={seed} POWER_LOSS_POINTS=1 {COMMAND}", violations[0]);
        }
        text
    }
}

const COMMAND: &str = "cargo test --features power-loss --test power_loss sweep";

/// Runs the points of all seeds, on two threads.
fn run(seeds: std::ops::Range<u64>) -> Sum {
    let (next, sum) = (AtomicU64::new(seeds.start), Mutex::new(Sum::default()));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let found = point::run(seed, None);
                    sum.lock().unwrap().add(seed, found);
                }
            });
        }
    });
    sum.into_inner().unwrap()
}

#[test]
fn no_outage_breaks_a_promise() {
    let first = setting("POWER_LOSS_SEED").unwrap_or(1);
    let points = setting("POWER_LOSS_POINTS").unwrap_or(POINTS);
    let sum = run(first..first + points);
    println!("{}", sum.report());
    assert!(sum.broken.is_empty(), "{}", sum.report());
    if points >= 2000 {
        check_coverage(&sum);
    }
}

/// A sweep that never meets a case says nothing of it.
fn check_coverage(sum: &Sum) {
    for phase in [
        Phase::Opening,
        Phase::Loading,
        Phase::Anchoring,
        Phase::Reserving,
        Phase::Committing,
        Phase::Expiring,
        Phase::Idle,
    ] {
        let count = sum.phases.get(&phase).copied().unwrap_or(0);
        assert!(count > 0 || phase == Phase::Loading, "no outage struck while {phase:?}");
    }
    let log = [Act::Create, Act::Remove, Act::Write, Act::Truncate, Act::Allocate, Act::Sync]
        .map(|act| (act, Of::Log));
    let database = [Act::Write, Act::Sync, Act::Rename].map(|act| (act, Of::Database));
    for at in log.into_iter().chain(database).chain([(Act::Sync, Of::Directory)]) {
        assert!(sum.struck.contains_key(&at), "no outage struck {at:?}");
    }
    assert!(sum.errors > 100 && sum.kills > 50 && sum.full > 10, "{}", sum.report());
}

#[test]
fn a_point_is_the_same_each_time() {
    for seed in 1..20 {
        let [one, two] = [0; 2].map(|_| point::run(seed, None));
        assert_eq!((one.acts, one.struck, one.told), (two.acts, two.struck, two.told), "seed {seed}");
    }
}

/// The kinds of violation found on a drive that lies, until all are there that are `wanted`.
fn found_out(lie: Lie, wanted: &[&str]) -> BTreeSet<String> {
    let mut kinds = BTreeSet::new();
    for seed in 1..PATIENCE {
        let found = point::run(seed, Some(lie));
        kinds.extend(found.violations.iter().map(kind));
        if wanted.iter().all(|kind| kinds.contains(*kind)) {
            return kinds;
        }
    }
    panic!("{lie:?}: wanted {wanted:?}, found {kinds:?}");
}

/// The name of a violation.
fn kind(violation: &Violation) -> String {
    let text = format!("{violation:?}");
    text.split('(').next().unwrap().to_owned()
}

/// A drive whose syncs do nothing breaks every promise, and every check sees it.
#[test]
fn syncs_that_lie_are_found_out_by_every_check() {
    let all =
        ["Unopenable", "LostToken", "LostStatus", "LostIssue", "AtcTwice", "AcceptedTwice", "RetryDiffers"];
    found_out(Lie::All, &all);
}

/// As with `synchronous = OFF`, or `NORMAL`: commits are told that are not durable.
#[test]
fn a_log_that_is_not_synced_is_found_out() {
    found_out(Lie::Of(Of::Log), &["AtcTwice", "AcceptedTwice", "RetryDiffers"]);
}

#[test]
fn a_checkpoint_that_is_not_synced_is_found_out() {
    found_out(Lie::Of(Of::Database), &["Unopenable"]);
}

#[test]
fn a_name_that_is_not_synced_is_found_out() {
    found_out(Lie::Of(Of::Directory), &["LostToken"]);
}
