//! `tally bench`: drives a daemon and measures it.

mod tokens;
mod worker;

use std::path::Path;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::json;

use crate::arguments::{Bench, BenchOp};
use crate::daemon::Daemon;
use crate::output::{Failure, Output};
use tokens::provision;
use worker::{Worker, split};

/// What all connections together did.
struct Measured {
    operations: u64,
    elapsed: Duration,
    latency: Histogram<u64>,
}

/// Measures a running daemon, or one of its own.
pub fn run(arguments: &Bench, output: &Output) -> Result<(), Failure> {
    let (own, dir) = match &arguments.dir {
        Some(dir) => (None, dir.clone()),
        None => {
            let daemon = Daemon::start()?;
            let dir = daemon.dir().to_owned();
            (Some(daemon), dir)
        }
    };
    let measured = measure(arguments, &dir)?;
    drop(own);
    report(arguments, &measured, output);
    Ok(())
}

fn measure(arguments: &Bench, dir: &Path) -> Result<Measured, Failure> {
    let count = if arguments.op == BenchOp::Ping { 0 } else { arguments.tokens };
    let tokens = provision(dir, count)?;
    let connections = usize::try_from(arguments.connections).unwrap_or(1);
    let mut workers = split(tokens, connections)
        .into_iter()
        .enumerate()
        .map(|(nth, tokens)| Worker::connect(dir, arguments, tokens, nth))
        .collect::<Result<Vec<_>, _>>()?;
    let limit = Duration::from_secs(arguments.seconds.into());
    let mut elapsed = Duration::ZERO;
    match arguments.op {
        BenchOp::Ping => elapsed += together(&mut workers, |worker| worker.ping(limit))?,
        BenchOp::Issue => elapsed += together(&mut workers, |worker| worker.issue(limit))?,
        // Every cryptogram is verified once, so they are issued first, unmeasured.
        BenchOp::Verify => {
            while elapsed < limit {
                together(&mut workers, |worker| worker.stock_up())?;
                elapsed += together(&mut workers, |worker| worker.verify(limit))?;
            }
        }
    }
    let mut all = Measured { operations: 0, elapsed, latency: new_histogram()? };
    for worker in workers {
        all.operations += worker.operations();
        all.latency.add(worker.latency())?;
    }
    Ok(all)
}

/// Runs a stretch on every connection at once; how long the longest took.
fn together(
    workers: &mut [Worker],
    stretch: impl Fn(&mut Worker) -> Result<Duration, Failure> + Sync,
) -> Result<Duration, Failure> {
    let results = std::thread::scope(|scope| {
        let stretch = &stretch;
        let threads: Vec<_> = workers.iter_mut().map(|worker| scope.spawn(move || stretch(worker))).collect();
        threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    let mut longest = Duration::ZERO;
    for result in results {
        longest = longest.max(result.map_err(|_| Failure::new("a connection's thread panicked"))??);
    }
    Ok(longest)
}

/// A histogram of nanoseconds up to a minute, to three digits.
fn new_histogram() -> Result<Histogram<u64>, Failure> {
    Ok(Histogram::new_with_bounds(1, 60_000_000_000, 3)?)
}

/// Nanoseconds since `begun`.
fn nanoseconds(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn report(arguments: &Bench, measured: &Measured, output: &Output) {
    let Measured { operations, elapsed, latency } = measured;
    let nanos = elapsed.as_nanos().max(1);
    let rate = u64::try_from(u128::from(*operations) * 1_000_000_000 / nanos).unwrap_or(u64::MAX);
    let op = match arguments.op {
        BenchOp::Ping => "ping",
        BenchOp::Issue => "issue",
        BenchOp::Verify => "verify",
    };
    let at = |quantile| latency.value_at_quantile(quantile);
    output.item(
        || {
            json!({
                "op": op, "connections": arguments.connections, "depth": arguments.depth,
                "tokens": arguments.tokens, "operations": operations, "seconds": elapsed.as_secs_f64(),
                "per_second": rate,
                "latency_ns": {"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "p999": at(0.999), "max": latency.max()},
            })
        },
        || {
            let micros = |nanos: u64| format!("{}.{:01} us", nanos / 1000, nanos / 100 % 10);
            Some(format!(
                "{op}: {operations} operations in {:.2} s on {} connections x {} in flight\n\
                 rate         {rate} /s\n\
                 latency      p50 {}, p90 {}, p99 {}, p99.9 {}, max {}",
                elapsed.as_secs_f64(),
                arguments.connections,
                arguments.depth,
                micros(at(0.5)),
                micros(at(0.9)),
                micros(at(0.99)),
                micros(at(0.999)),
                micros(latency.max()),
            ))
        },
    );
}
