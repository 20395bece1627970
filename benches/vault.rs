//! Cryptogram fetches over HTTP keep-alive, with the load generator on the same cores:
//! `cargo bench --features vault --bench vault`. `--seconds N` and `--connections N`.
#![allow(
    dead_code,
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "../tests/vault/cashfree/caller.rs"]
mod cashfree;
#[path = "../tests/vault/http.rs"]
mod http;
#[path = "../tests/vault/shop.rs"]
mod shop;

use std::time::{Duration, Instant};

use cashfree::Caller;
use hdrhistogram::Histogram;
use http::Connection;
use shop::{CARD, Shop};

/// Saved cards that are fetched from in turn.
const CARDS: usize = 200;

fn main() {
    let option = |name: &str, otherwise: u64| {
        let mut arguments = std::env::args().skip_while(|argument| argument != name);
        arguments.nth(1).and_then(|value| value.parse().ok()).unwrap_or(otherwise)
    };
    let (seconds, connections) = (option("--seconds", 5), option("--connections", 32));
    let shop = Shop::open();
    let caller = Caller::of(&shop, 0);
    let paths: Vec<_> =
        (0..CARDS).map(|at| format!("{}/cryptogram", caller.save(&format!("c{at}"), CARD))).collect();
    let ended = Duration::from_secs(seconds);
    let begun = Instant::now();
    let histograms = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..connections)
            .map(|worker| {
                let (shop, paths) = (&shop, &paths);
                scope.spawn(move || fetch(shop, paths, usize::try_from(worker).unwrap(), begun, ended))
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
    });
    let took = begun.elapsed();
    let mut all = Histogram::<u64>::new(3).unwrap();
    histograms.iter().for_each(|one| all.add(one).unwrap());
    let millis = |quantile| Duration::from_micros(all.value_at_quantile(quantile)).as_secs_f64() * 1e3;
    println!(
        "{connections} connections: {:.0} cryptograms a second over HTTP, p50 {:.1} ms, p99 {:.1} ms, p99.9 {:.1} ms",
        f64::from(u32::try_from(all.len()).unwrap()) / took.as_secs_f64(),
        millis(0.5),
        millis(0.99),
        millis(0.999),
    );
}

fn fetch(shop: &Shop, paths: &[String], worker: usize, begun: Instant, ended: Duration) -> Histogram<u64> {
    let (id, secret) = shop.credential(0, "cashfree");
    let headers = [("x-client-id", id), ("x-client-secret", secret), ("x-api-version", "2023-08-01")];
    let mut connection = Connection::to(&shop.address);
    let mut histogram = Histogram::new(3).unwrap();
    for path in paths.iter().cycle().skip(worker * 7) {
        if begun.elapsed() >= ended {
            break;
        }
        let asked = Instant::now();
        let reply = connection.ask("GET", path, &headers, b"").unwrap();
        assert_eq!(reply.status, 200, "{}", reply.body);
        histogram.record(u64::try_from(asked.elapsed().as_micros()).unwrap()).unwrap();
    }
    histogram
}
