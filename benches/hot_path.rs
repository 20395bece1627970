//! The hot path in process: derive, issue, verify.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use support::{Rig, trid};
use tallystick::command::{Command, Issue, Request, TokenView, Verify};
use tallystick::crypto::SystemRandom;
use tallystick::cryptogram::native::Deriver;
use tallystick::engine::{Context, Fetched, Mint, Outcome};
use tallystick::types::{Amount, Cryptogram, Currency, Transaction, UnixTime};

fn paying() -> Transaction<'static> {
    let amount = (Amount::from_minor_units(100), Currency::from_code(356).unwrap());
    Transaction { amount: Some(amount), ..Transaction::UNKNOWN }
}

/// Decides and computes one issue; its group stays open.
fn issue(rig: &mut Rig, token: &TokenView) {
    let issue = Issue { token: token.token, trid: trid(), transaction: paying() };
    let request = Request { command: Command::Issue(issue), idempotency: None, body: b"" };
    decide(rig, &request);
}

fn verify(rig: &mut Rig, token: &TokenView, cryptogram: Cryptogram) {
    let (token, expiry) = (token.token, token.expiry);
    let verify = Verify { token, expiry, trid: trid(), transaction: paying(), cryptogram };
    let request = Request { command: Command::Verify(verify), idempotency: None, body: b"" };
    decide(rig, &request);
}

fn decide(rig: &mut Rig, request: &Request<'_>) {
    let caller = rig.caller.clone();
    let context = Context { now: UnixTime::from_seconds(rig.now), random: &SystemRandom, caller: &caller };
    let mint = Mint::new(&rig.keyring);
    let proof = match &request.command {
        Command::Verify(verify) => Some(mint.prove(verify)),
        _ => None,
    };
    match rig.engine.execute(context, request, proof, &Fetched::Nothing) {
        Outcome::Answer(pending) => drop(black_box(pending.compute(&mint))),
        Outcome::Fetch(need) => panic!("{need:?}"),
    }
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
            issue(&mut rig, &token);
            done += 1;
            // Taken as the committer takes it, so that the group keeps its usual size.
            if done.is_multiple_of(1024) {
                drop(rig.engine.take_group());
            }
        });
    });
    drop(rig.engine.take_group());
    rig.restart();
    let made: Vec<_> = (0..4096).map(|_| rig.issue(token.token, paying()).unwrap()).collect();
    let mut group = criterion.benchmark_group("verify");
    group.throughput(Throughput::Elements(1));
    let mut next = made.iter().cycle();
    group.bench_function("verify in process", |bench| {
        bench.iter(|| verify(&mut rig, &token, *next.next().unwrap()));
    });
    group.finish();
}

criterion_group!(benches, hot_path);
criterion_main!(benches);
