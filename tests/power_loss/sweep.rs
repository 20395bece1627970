//! Thousands of points.

use crate::point;
use crate::world::World;

#[test]
fn sweep() {
    let world = World::shared();
    let n: u64 = std::env::var("POWER_LOSS_POINTS").ok().and_then(|s| s.parse().ok()).unwrap_or(100);
    let base: u64 = std::env::var("POWER_LOSS_SEED").ok().and_then(|s| s.parse().ok()).unwrap_or(1);
    let mut bad = 0;
    let mut told = 0;
    for seed in base..base + n {
        let found = point::run(world, seed, None);
        told += found.told;
        if !found.violations.is_empty() {
            bad += 1;
            println!("{seed}: {:?} {:?}", found.struck, &found.violations[..found.violations.len().min(3)]);
        }
    }
    assert_eq!(bad, 0, "{told}");
}

#[test]
fn debug_one() {
    let seed: u64 = std::env::var("POWER_LOSS_SEED").unwrap().parse().unwrap();
    let found = point::run(World::shared(), seed, None);
    for act in &found.acts { println!("{act:?}"); }
    println!("{found:?}", found = (found.struck, found.violations, found.errors, found.kills));
    panic!();
}
