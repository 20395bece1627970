//! There and back over a Unix socket, beside a bare echo of the same size.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use support::{card, everyone, trid};
use tallystick::client::Client;
use tallystick::command::{Command, Issue};
use tallystick::crypto::SystemRandom;
use tallystick::daemon::anchor::Keeper;
use tallystick::daemon::audit::Recorder;
use tallystick::daemon::backup::Backups;
use tallystick::daemon::{Committer, Door, Hall, House, Lobby, Metrics, Rates, serve};
use tallystick::engine::{Engine, EngineLimits};
use tallystick::store::{SqliteStore, Store};
use tallystick::types::{Transaction, UnixTime};

const NOW: UnixTime = UnixTime::from_seconds(support::NOW);
/// Bytes of an issue's frame: length 4, header 12, body 36.
const FRAME: usize = 52;

/// A connection served by an engine on a SQLite file, all in this process.
fn served(dir: &std::path::Path) -> Client<UnixStream> {
    let keyring = Arc::new(support::new_keys().load().unwrap());
    let mut store = SqliteStore::open(&dir.join("tally.db")).unwrap();
    let engine = Engine::new(support::config(EngineLimits::default()));
    let (engine, chain) = engine.unseal(Arc::clone(&keyring), &mut store, &[], NOW).unwrap();
    let hall = Arc::new(Hall::new(engine, store.receipt()));
    let lobby = Lobby {
        house: House::of(Arc::clone(&hall), keyring, store.epoch().0),
        metrics: Metrics::new(),
        rates: Rates::default(),
        audit: Recorder::none(),
        backups: Backups::default(),
        frame: 65_536,
        in_flight: 1024,
        clock: || NOW,
        random: Box::new(SystemRandom),
        started: Instant::now(),
    };
    let committer = Committer::new(hall, Box::new(store), chain, Keeper::none(), || NOW);
    std::thread::spawn(move || committer.run());
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    std::thread::spawn(move || serve(&mut theirs, &lobby, &everyone(), Door::Data));
    Client::over(ours, "bench").unwrap()
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
