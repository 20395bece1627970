//! A commit group made durable, by its size.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tallystick::store::{
    CounterMove, Group, GroupNumber, MemoryDisk, MemoryStore, SqliteStore, Store, TokenSlot, journal,
};
use tallystick::types::Atc;

/// The group after `number`, of so many moves over a thousand tokens.
fn group(store: &dyn Store, number: u64, moves: u32) -> Group {
    let issued: Vec<_> = (0..moves)
        .map(|nth| CounterMove { slot: TokenSlot(nth % 1000), atc: Atc::new(nth + 1).unwrap() })
        .collect();
    Group {
        number: GroupNumber(number),
        epoch: store.epoch(),
        before: [0; 32],
        body: journal::encode(&issued, &[], journal::Standing::default()),
        mac: [0; 32],
        tokens: Vec::new(),
        records: Vec::new(),
        pages: Vec::new(),
        // The journal stays short, as pages would have it.
        keep_from: GroupNumber(number.saturating_sub(64)),
    }
}

fn append(criterion: &mut Criterion, name: &str, store: &mut dyn Store) {
    let mut benches = criterion.benchmark_group(name);
    let mut number = 0;
    for moves in [1, 128, 1024] {
        benches.throughput(Throughput::Elements(moves.into()));
        benches.bench_function(BenchmarkId::from_parameter(moves), |bench| {
            bench.iter(|| {
                number += 1;
                let group = group(store, number, moves);
                store.reserve(Some(&group)).unwrap();
                store.append(&group).unwrap()
            });
        });
    }
    benches.finish();
}

fn commit_group(criterion: &mut Criterion) {
    let dir = tempfile::TempDir::new().unwrap();
    let mut sqlite = SqliteStore::open(&dir.path().join("tally.db")).unwrap();
    append(criterion, "append to SQLite, synced", &mut sqlite);
    let mut memory = MemoryStore::open(&MemoryDisk::new());
    append(criterion, "append to memory", &mut memory);
}

criterion_group!(benches, commit_group);
criterion_main!(benches);
