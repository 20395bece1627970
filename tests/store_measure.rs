//! How fast groups become durable, by their size. Run by hand:
//! `cargo test --test store_measure -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::as_conversions, missing_docs)]

use std::time::{Duration, Instant};

use tallystick::store::{
    CounterMove, Group, GroupNumber, Load, SqliteStore, Store, StoreError, TokenRow, TokenSlot, journal,
};
use tallystick::types::{Atc, Trid};

const TOKENS: u32 = 1_000_000;

struct Nothing;

impl Load for Nothing {
    fn token(&mut self, _: TokenRow) -> Result<(), StoreError> {
        Ok(())
    }
    fn counters(&mut self, _: TokenSlot, _: tallystick::types::Counters) -> Result<(), StoreError> {
        Ok(())
    }
    fn folded(&mut self, _: tallystick::store::ChainHead) -> Result<(), StoreError> {
        Ok(())
    }
    fn journal(
        &mut self,
        _: GroupNumber,
        _: tallystick::store::Epoch,
        _: &[u8],
        _: [u8; 32],
    ) -> Result<(), StoreError> {
        Ok(())
    }
    fn record(&mut self, _: tallystick::store::Record) -> Result<(), StoreError> {
        Ok(())
    }
}

fn group(store: &SqliteStore, number: u64, moves: u32) -> Group {
    let base = (number as u32).wrapping_mul(2_654_435_761);
    let issued: Vec<_> = (0..moves)
        .map(|one| CounterMove {
            slot: TokenSlot(base.wrapping_add(one.wrapping_mul(40_503)) % TOKENS),
            atc: Atc::new(number as u32).unwrap(),
        })
        .collect();
    let body = journal::encode(&issued, &[], [0; 32]);
    let (number, epoch) = (GroupNumber(number), store.epoch());
    Group { number, epoch, body, mac: [7; 32], tokens: vec![], records: vec![] }
}

#[test]
#[ignore = "measures, proves nothing"]
fn append_rate() {
    let root = std::env::var("TALLYSTICK_MEASURE_IN").unwrap_or_else(|_| "target".to_owned());
    for moves in [1, 128, 1024] {
        let dir = tempfile::tempdir_in(&root).unwrap();
        let mut store = SqliteStore::open(&dir.path().join("store")).unwrap();
        let (mut number, mut worst) = (0u64, Duration::ZERO);
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(4) {
            number += 1;
            let group = group(&store, number, moves);
            let one = Instant::now();
            store.append(&group).unwrap();
            worst = worst.max(one.elapsed());
        }
        let rate = number as f64 / start.elapsed().as_secs_f64();
        let bytes = store.journal_bytes();
        let start = Instant::now();
        store.fold().unwrap();
        println!(
            "{moves:>5} moves a group: {rate:>7.0} groups/s, {:>9.0} moves/s, worst {worst:?}, fold of {bytes} bytes {:?}",
            rate * f64::from(moves),
            start.elapsed()
        );
    }
}

#[test]
#[ignore = "measures, proves nothing"]
fn start_with_a_million_tokens() {
    let dir = tempfile::tempdir_in("target").unwrap();
    let path = dir.path().join("store");
    let mut store = SqliteStore::open(&path).unwrap();
    let start = Instant::now();
    for number in 1..=u64::from(TOKENS / 1000) {
        let mut group = group(&store, number, 1);
        let first = (number as u32 - 1) * 1000;
        group.tokens = (first..first + 1000)
            .map(|slot| TokenRow {
                slot: TokenSlot(slot),
                trid: Trid::from_value(u64::from(slot % 100)).unwrap(),
                body: vec![1; 200],
            })
            .collect();
        store.append(&group).unwrap();
    }
    println!("million tokens in groups of 1,000: {:?}", start.elapsed());
    drop(store);
    let start = Instant::now();
    let mut store = SqliteStore::open(&path).unwrap();
    println!("open: {:?}", start.elapsed());
    let start = Instant::now();
    store.load(&mut Nothing).unwrap();
    println!("load: {:?}", start.elapsed());
}
