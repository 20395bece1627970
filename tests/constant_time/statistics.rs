//! Whether two heaps of times come from one source.

/// Times of three kinds, measured in turns: one, the same again, and another.
#[derive(Default)]
pub struct Times {
    pub one: Vec<f64>,
    pub again: Vec<f64>,
    pub other: Vec<f64>,
}

impl Times {
    /// Whether the other can be told from the one, much better than the one from
    /// itself. Prints both scores under the name.
    pub fn differ(&self, name: &str) -> bool {
        let (control, test) = (Score::of(&self.one, &self.again), Score::of(&self.one, &self.other));
        let mean = |times: &[f64]| moments(times).0;
        println!(
            "     {name}: {:.0} and {:.0} ns, t {:.1}, rank {:.3} (control: {:.1}, {:.3})",
            mean(&self.one),
            mean(&self.other),
            test.t,
            test.rank,
            control.t,
            control.rank
        );
        // Welch's test finds small shifts of narrow times, ranks those of broad ones.
        let by_t = test.t > T.max(3.0 * control.t);
        by_t && test.rank > RANK + control.rank
    }
}

/// What dudect calls certain is 10. More, as a loaded machine's times drift.
const T: f64 = 15.0;
/// How much more often than every second time the other takes longer, or shorter.
///
/// This is how blunt the test is. It sees what shifts a sample by a fifth of its own
/// standard deviation: of 64 compares in a row, or of one request over a connection, whose
/// times scatter by microseconds. A few nanoseconds of a compare within a request it does
/// not see, and somebody who asks some ten thousand times might: a shift of a twentieth
/// shows in that many. Smaller limits would fail on a machine with other work. Nor can any
/// time tell `==` from `subtle` where a compiler makes two instructions of 32 bytes.
const RANK: f64 = 0.06;

/// How well two heaps can be told apart.
struct Score {
    /// Welch's t, without its sign, of the times below the 90th percentile.
    t: f64,
    /// How far the chance that a time of one exceeds one of the other is from a half
    /// (Mann and Whitney): 0 to 0.5.
    rank: f64,
}

impl Score {
    fn of(one: &[f64], other: &[f64]) -> Self {
        let mut all: Vec<f64> = one.iter().chain(other).copied().collect();
        all.sort_by(f64::total_cmp);
        let limit = all[all.len() * 9 / 10];
        let crop = |times: &[f64]| times.iter().copied().filter(|time| *time <= limit).collect::<Vec<_>>();
        Self { t: welch(&crop(one), &crop(other)), rank: rank(one, other) }
    }
}

fn welch(one: &[f64], other: &[f64]) -> f64 {
    let ((mean, error), (other_mean, other_error)) = (moments(one), moments(other));
    let spread = (error + other_error).sqrt();
    if spread == 0.0 { 0.0 } else { ((mean - other_mean) / spread).abs() }
}

/// The mean, and the square of its standard error.
fn moments(times: &[f64]) -> (f64, f64) {
    let count = f64::from(u32::try_from(times.len()).unwrap()).max(2.0);
    let mean = times.iter().sum::<f64>() / count;
    let squares = times.iter().map(|time| (time - mean).powi(2)).sum::<f64>();
    (mean, squares / (count - 1.0) / count)
}

fn rank(one: &[f64], other: &[f64]) -> f64 {
    let mut sorted = other.to_vec();
    sorted.sort_by(f64::total_cmp);
    let wins: f64 = one
        .iter()
        .map(|time| {
            let below = sorted.partition_point(|of| of < time);
            let equal = sorted.partition_point(|of| of <= time) - below;
            f64::from(u32::try_from(2 * below + equal).unwrap()) / 2.0
        })
        .sum();
    let pairs = f64::from(u32::try_from(one.len()).unwrap()) * f64::from(u32::try_from(other.len()).unwrap());
    (wins / pairs - 0.5).abs()
}
