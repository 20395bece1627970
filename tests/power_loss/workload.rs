//! What clients do, by seed.

use fastrand::Rng;

use crate::ask::{Ask, Deed};
use crate::ledger::{Fate, Ledger, Value};
use crate::life::{End, Life};

/// Asks for some things and commits them.
pub fn group(life: &mut Life, ledger: &mut Ledger, rng: &mut Rng) -> Result<(), End> {
    // Now and then a large one, whose row needs pages of its own.
    let count = if rng.u8(..20) == 0 { 80 } else { rng.usize(1..8) };
    for _ in 0..count {
        let ask = choose(ledger, rng);
        life.ask(ledger, ask)?;
    }
    let meanwhile = if rng.bool() { 0 } else { rng.usize(..4) };
    life.commit(ledger, |life, ledger| {
        for _ in 0..meanwhile {
            let ask = choose(ledger, rng);
            life.ask(ledger, ask)?;
        }
        Ok(())
    })?;
    if life.is_settled() && rng.u8(..4) == 0 {
        ledger.now += rng.u64(..1200);
    }
    Ok(())
}

/// Something that a client may ask for now.
fn choose(ledger: &mut Ledger, rng: &mut Rng) -> Ask {
    if ledger.tokens.is_empty() || rng.u8(..25) == 0 {
        let deed = Deed::any_pan(rng.usize(..100));
        return keyed(ledger, rng, deed);
    }
    let token = rng.usize(..ledger.tokens.len());
    match rng.u8(..24) {
        0..8 => {
            let units = rng.u64(1..4);
            keyed(ledger, rng, Deed::Issue { token, units })
        }
        8..16 => match pick(ledger, rng, token, false) {
            Some(atc) => keyed(ledger, rng, Deed::Verify { token, atc }),
            None => keyed(ledger, rng, Deed::Issue { token, units: 1 }),
        },
        16 => Ask::of(Deed::IssueShort { token, units: rng.u64(1..4) }),
        17 => pick(ledger, rng, token, true).map_or(Ask::of(Deed::IssueShort { token, units: 1 }), |atc| {
            Ask::of(Deed::VerifyShort { token, atc })
        }),
        18 => status(ledger, rng, token),
        19..22 => again(ledger, rng).unwrap_or(Ask::of(Deed::Issue { token, units: 2 })),
        _ => {
            let limbo = &ledger.limbo;
            let ask = (!limbo.is_empty()).then(|| limbo[rng.usize(..limbo.len())].0);
            ask.unwrap_or(Ask::of(Deed::Issue { token, units: 3 }))
        }
    }
}

/// The deed under a new key, or under none.
fn keyed(ledger: &mut Ledger, rng: &mut Rng, deed: Deed) -> Ask {
    let key = (rng.u8(..3) == 0).then(|| ledger.new_key());
    Ask { deed, key }
}

/// Most tokens are active most of the time.
fn status(ledger: &Ledger, rng: &mut Rng, token: usize) -> Ask {
    let suspend = ledger.tokens[token].suspended == Some(false) && rng.u8(..3) == 0;
    Ask::of(if suspend { Deed::Suspend { token } } else { Deed::Resume { token } })
}

/// A retry of what was answered.
fn again(ledger: &Ledger, rng: &mut Rng) -> Option<Ask> {
    let live: Vec<_> = ledger.keyed.iter().filter(|keyed| keyed.expires > ledger.now).collect();
    (!live.is_empty()).then(|| live[rng.usize(..live.len())].ask)
}

/// A counter to be consumed: mostly one that can be.
fn pick(ledger: &Ledger, rng: &mut Rng, token: usize, short: bool) -> Option<u32> {
    let fresh = short || rng.u8(..5) != 0;
    let all: Vec<u32> = ledger.tokens[token]
        .made
        .iter()
        .filter(|(_, made)| matches!(made.value, Value::Short(_)) == short)
        .filter(|(_, made)| (made.fate == Fate::Unused) == fresh)
        .map(|(atc, _)| *atc)
        .collect();
    // A displaced short value would count as a miss, and five misses lock.
    if short { all.last().copied() } else { (!all.is_empty()).then(|| all[rng.usize(..all.len())]) }
}
