//! Measuring in turns.

use std::time::Duration;

use super::number::{median, share};
use crate::output::Failure;

/// Turns that the time of each measurement is split into: few where a load must
/// settle, more where a disk changes its mind within a second. Shorter ones would
/// measure how a sleeping core gets used to being woken.
pub const FEW: u32 = 7;
/// See [`FEW`].
pub const MANY: u32 = 21;
/// The unmeasured turn before them, as a part of the whole.
const WARM_UP: u32 = 20;

/// Something that is measured for so long and gives a figure.
pub type Probe<'p> = &'p mut dyn FnMut(Duration) -> Result<f64, Failure>;

/// What the probes gave in each turn.
pub struct Turns<const N: usize>(Vec<[f64; N]>);

/// Has each probe measure for `limit` in all, in turns.
pub fn in_turns<const N: usize>(
    limit: Duration,
    turns: u32,
    mut probes: [Probe<'_>; N],
) -> Result<Turns<N>, Failure> {
    for probe in &mut probes {
        probe(share(limit, WARM_UP))?;
    }
    let mut taken = Vec::new();
    for _ in 0..turns {
        let mut turn = [0.0; N];
        for (probe, value) in probes.iter_mut().zip(&mut turn) {
            *value = probe(share(limit, turns))?;
        }
        taken.push(turn);
    }
    Ok(Turns(taken))
}

impl<const N: usize> Turns<N> {
    /// What was measured in turns already.
    pub const fn of(taken: Vec<[f64; N]>) -> Self {
        Self(taken)
    }

    /// The median of something computed of each turn.
    pub fn median(&self, of: impl Fn(&[f64; N]) -> f64) -> f64 {
        median(self.0.iter().map(of).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_is_that_of_neighbours_in_time() {
        // A machine that halves its speed in every turn: the ratio stays.
        let (mut a, mut b) = (1024.0, 512.0);
        let mut figure = |_| {
            a /= 2.0;
            Ok(a)
        };
        let mut floor = |_| {
            b /= 2.0;
            Ok(b)
        };
        let turns = in_turns(Duration::ZERO, 7, [&mut figure, &mut floor]).unwrap();
        assert_eq!(turns.median(|[figure, _]| *figure).to_bits(), 32f64.to_bits());
        assert_eq!(turns.median(|[figure, floor]| figure / floor).to_bits(), 2f64.to_bits());
    }
}
