//! There and back over a Unix socket, beside a bare echo of the same size.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use support::house::House;
use support::{card, everyone, trid};
use tallystick::client::Client;
use tallystick::command::{Command, Issue};
use tallystick::daemon::Door;
use tallystick::store::SqliteStore;
use tallystick::types::Transaction;

/// Bytes of an issue's frame: length 4, header 12, body 36.
const FRAME: usize = 52;

/// A connection served by an engine on a SQLite file, all in this process.
fn served(dir: &std::path::Path) -> Client<UnixStream> {
    House::over(SqliteStore::open(&dir.join("tally.db")).unwrap()).enter(everyone(), Door::Data)
}

fn round_trip(criterion: &mut Criterion) {
    let dir = tempfile::TempDir::new().unwrap();
    let mut client = served(dir.path());
    let token = client.token(&Command::Provision(Box::new(card(support::PAN, "4912"))), None).unwrap();
    let issue = Issue { token: token.token, trid: trid(), transaction: Transaction::UNKNOWN };
    let (mut ours, mut theirs) = UnixStream::pair().unwrap();
    std::thread::spawn(move || {
        let mut bytes = [0; 65_536];
        while let Ok(count @ 1..) = theirs.read(&mut bytes) {
            theirs.write_all(bytes.get(..count).unwrap()).unwrap();
        }
    });
    let mut group = criterion.benchmark_group("round trip");
    for depth in [1usize, 64] {
        group.throughput(Throughput::Elements(depth.try_into().unwrap()));
        let mut bytes = vec![0; FRAME * depth];
        group.bench_function(BenchmarkId::new("bare echo", depth), |bench| {
            bench.iter(|| {
                ours.write_all(&bytes).unwrap();
                ours.read_exact(&mut bytes).unwrap();
            });
        });
        group.bench_function(BenchmarkId::new("ping", depth), |bench| {
            bench.iter(|| {
                for _ in 0..depth {
                    client.submit_ping().unwrap();
                }
                (0..depth).for_each(|_| drop(client.receive().unwrap().1.unwrap()));
            });
        });
        group.bench_function(BenchmarkId::new("issue, durable", depth), |bench| {
            bench.iter(|| {
                for _ in 0..depth {
                    client.submit(&Command::Issue(issue), None).unwrap();
                }
                (0..depth).for_each(|_| drop(client.receive().unwrap().1.unwrap()));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, round_trip);
criterion_main!(benches);
