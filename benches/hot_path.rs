//! The hot path in process: derive, issue, verify.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::{Rig, trid};
use tallystick::command::{Command, Issue, Refusal, Reply, Request, TokenView, Verify};
use tallystick::crypto::SystemRandom;
use tallystick::cryptogram::native::Deriver;
use tallystick::engine::{Context, Fetched, Mint, Outcome, Pending};
use tallystick::types::{Amount, Cryptogram, Currency, Transaction, UnixTime};

/// Requests of one batch.
const BATCH: u64 = 256;

fn paying() -> Transaction<'static> {
    let amount = (Amount::from_minor_units(100), Currency::from_code(356).unwrap());
    Transaction { amount: Some(amount), ..Transaction::UNKNOWN }
}

type Decided = Pending<Result<Reply, Refusal>>;

/// Decides and computes one issue; its group stays open.
fn issue(rig: &mut Rig, token: &TokenView) -> Decided {
    let issue = Issue { token: token.token, trid: trid(), transaction: paying() };
    decide(rig, Command::Issue(issue))
}

fn verify(rig: &mut Rig, token: &TokenView, cryptogram: Cryptogram) -> Decided {
    let (token, expiry) = (token.token, token.expiry);
    let verify = Verify { token, expiry, trid: trid(), transaction: paying(), cryptogram };
    decide(rig, Command::Verify(verify))
}

fn decide(rig: &mut Rig, command: Command<'_>) -> Decided {
    let request = Request { command, idempotency: None, body: b"" };
    let now = UnixTime::from_seconds(rig.now);
    let context = Context { now, random: &SystemRandom, caller: &rig.caller };
    let mint = Mint::new(&rig.keyring);
    let proof = match &request.command {
        Command::Verify(verify) => Some(mint.prove(verify)),
        _ => None,
    };
    match rig.engine.execute(context, &request, proof, &Fetched::Nothing) {
        Outcome::Answer(pending) => pending.compute(&mint),
        Outcome::Fetch(need) => panic!("{need:?}"),
    }
}

/// Commits what was decided together, and opens it.
fn opened(rig: &mut Rig, decided: Vec<Decided>) -> Vec<Reply> {
    rig.commit().unwrap();
    decided.into_iter().map(|pending| pending.open(&rig.receipt).unwrap().unwrap()).collect()
}

/// Issues together, in one group that the store in memory takes.
fn issue_batch(rig: &mut Rig, token: &TokenView, count: u64) -> Vec<Cryptogram> {
    let decided = (0..count).map(|_| issue(rig, token)).collect();
    let cryptogram = |reply| match reply {
        Reply::Issued(issued) => issued.cryptogram,
        other => panic!("{other:?}"),
    };
    opened(rig, decided).into_iter().map(cryptogram).collect()
}

/// The time of so many verifications, each of a cryptogram not seen before: a
/// replay is refused early and would flatter the numbers.
fn time_verifications(rig: &mut Rig, token: &TokenView, count: u64) -> Duration {
    let (mut left, mut spent) = (count, Duration::ZERO);
    while left > 0 {
        let made = issue_batch(rig, token, left.min(BATCH));
        left -= left.min(BATCH);
        let mut decided = Vec::with_capacity(made.len());
        let begun = Instant::now();
        decided.extend(made.into_iter().map(|cryptogram| verify(rig, token, cryptogram)));
        spent += begun.elapsed();
        // Opening them shows that every one was accepted.
        opened(rig, decided);
    }
    spent
}

fn hot_path(criterion: &mut Criterion) {
    let mut rig = Rig::new();
    let token = rig.provision();
    let deriver = Deriver::new(rig.keyring.token_derivation.active().1);
    criterion.bench_function("derive token key", |bench| {
        bench.iter(|| black_box(deriver.token_key(black_box(token.token))));
    });
    // Two MACs are what an issue cannot do without.
    let key = deriver.token_key(token.token);
    criterion.bench_function("bare cryptogram MAC beside it", |bench| {
        let made = rig.issue(token.token, paying()).unwrap();
        let header = made.header().unwrap();
        let covered = tallystick::cryptogram::native::Covered {
            trid: trid(),
            expiry: token.expiry,
            transaction: paying(),
        };
        bench.iter(|| black_box(key.cryptogram(black_box(&header), &covered)));
    });
    criterion.bench_function("issue in process", |bench| {
        let mut done = 0u32;
        bench.iter(|| {
            drop(black_box(issue(&mut rig, &token)));
            done += 1;
            // Taken as the committer takes it, so that the group keeps its usual size.
            if done.is_multiple_of(1024) {
                drop(rig.engine.take_group());
            }
        });
    });
    drop(rig.engine.take_group());
    rig.restart();
    criterion.bench_function("verify in process", |bench| {
        bench.iter_custom(|count| time_verifications(&mut rig, &token, count));
    });
    let mut group = criterion.benchmark_group("batch");
    group.throughput(Throughput::Elements(BATCH));
    group.bench_function("256 issues and their commit to memory", |bench| {
        bench.iter(|| issue_batch(&mut rig, &token, BATCH));
    });
    group.finish();
}

criterion_group!(benches, hot_path);
criterion_main!(benches);
