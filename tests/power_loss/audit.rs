//! Holding what is found after an outage against what clients were told.

use fastrand::Rng;

use crate::ask::{Ask, Deed};
use crate::ledger::{Fate, Ledger, Value, Violation};
use crate::life::{End, Life, Phase, Settings};
use crate::world::{Beginning, Machine, World};

/// Every promise that what is found breaks. Works on a copy, since it uses up
/// what it checks.
pub fn audit(world: &World, found: Beginning, settings: Settings, rng: &mut Rng) -> Vec<Violation> {
    let Beginning { disk, mut ledger, mut anchor } = found;
    let machine = Machine::new(disk, 0);
    let life = Life::open(world, &machine, ledger.now, settings, &mut anchor, rng.fork());
    match life {
        Ok(mut life) => {
            let mut found = Vec::new();
            for asks in [retries, shows, resumes, fresh, uses, uses, retries] {
                let asks = asks(&ledger);
                check(&mut life, &mut ledger, asks, &mut found);
            }
            found
        }
        Err(end) => vec![violation(end)],
    }
}

/// What an end is if nothing was to fail.
pub fn violation(end: End) -> Violation {
    match end {
        End::Broken(violation) => violation,
        End::Store(Phase::Opening | Phase::Loading, error) => Violation::Unopenable(error.to_string()),
        End::NoRoom => Violation::Failed("there is no room".to_owned()),
        End::Store(phase, error) => Violation::Failed(format!("{phase:?}: {error}")),
    }
}

fn check(life: &mut Life, ledger: &mut Ledger, asks: Vec<Ask>, found: &mut Vec<Violation>) {
    for ask in asks {
        if let Err(end) = life.ask(ledger, ask) {
            found.push(violation(end));
        }
    }
    // Opening the answers ends at the first violation, and goes on behind it.
    while let Err(end) = life.commit(ledger, |_, _| Ok(())) {
        let broken = matches!(end, End::Broken(_));
        found.push(violation(end));
        if !broken {
            return;
        }
    }
}

/// Everything under a key, answered or cut off: the second time, all is answered.
fn retries(ledger: &Ledger) -> Vec<Ask> {
    let answered = ledger.keyed.iter().filter(|keyed| keyed.expires > ledger.now).map(|keyed| keyed.ask);
    answered.chain(ledger.limbo.iter().map(|(ask, _)| *ask)).collect()
}

fn shows(ledger: &Ledger) -> Vec<Ask> {
    (0..ledger.tokens.len()).map(|token| Ask::of(Deed::Show { token })).collect()
}

fn resumes(ledger: &Ledger) -> Vec<Ask> {
    (0..ledger.tokens.len()).map(|token| Ask::of(Deed::Resume { token })).collect()
}

/// A counter more for each token.
fn fresh(ledger: &Ledger) -> Vec<Ask> {
    (0..ledger.tokens.len()).map(|token| Ask::of(Deed::Issue { token, units: 1 })).collect()
}

/// Every counter is consumed: the second time, none can be.
fn uses(ledger: &Ledger) -> Vec<Ask> {
    let mut asks = Vec::new();
    for (token, known) in ledger.tokens.iter().enumerate() {
        let mut shorts = 0;
        for (atc, made) in &known.made {
            match made.value {
                Value::Cryptogram(_) => asks.push(Ask::of(Deed::Verify { token, atc: *atc })),
                // Five misses lock a token's short values.
                Value::Short(_) if made.fate == Fate::Used && shorts < 2 => {
                    shorts += 1;
                    asks.push(Ask::of(Deed::VerifyShort { token, atc: *atc }));
                }
                Value::Short(_) => {}
            }
        }
    }
    asks
}
