//! Latency at half of the peak rate, with the log going into the database meanwhile,
//! and that of an echo which computes the HMACs and syncs, and does nothing else. A
//! hundredth of the time is ten milliseconds a second: what the machine takes away by
//! itself is told beside, and what it is in the tenths of a second without that.

use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use serde_json::json;
use tallystick::client::Client;

use super::row::{Bar, Floor, Row, Unit};
use super::stalls::{SHORTEST, Stalls};
use super::{CONNECTIONS, DEPTH, Ground};
use crate::arguments::bench::BenchOp;
use crate::bench::crowd::{Crowd, Load, SLICE};
use crate::bench::echo::{Echo, Extra};
use crate::bench::home::metric;
use crate::bench::measured::Measured;
use crate::bench::number::{float, grouped};
use crate::bench::turns::Turns;
use crate::bench::worker::Sliced;
use crate::output::Failure;

/// Checkpoints that must have been seen.
const CHECKPOINTS: u64 = 3;
/// How often it is measured at most, until they have.
const WINDOWS: u32 = 12;

/// What an open loop gave.
struct Seen {
    all: Measured,
    /// Requests due in a slice of time in which a checkpoint ended, or in the one before.
    during: Histogram<u64>,
    checkpoints: u64,
    /// The 99th percentile of each slice and its median, in nanoseconds.
    slices: Vec<[f64; 2]>,
    stalls: Stalls,
}

/// The rows of latency at half of `peak`.
pub fn measure(ground: &Ground, peak: f64) -> Result<Vec<Row>, Failure> {
    let rate = format!("{:.0}", peak / 2.0).parse::<u32>()?;
    let mut seen = Seen::nothing()?;
    let load = Load { op: BenchOp::Issue, connections: CONNECTIONS, depth: DEPTH };
    let mut crowd = Crowd::connect(&ground.home.socket(), load, &ground.tokens)?;
    let mut admin = ground.home.admin()?;
    let echo = Echo::start(BenchOp::Issue, Extra::MacsAndSync)?;
    let mut echoing = Crowd::connect_echo(&echo.socket(), load, &ground.tokens)?;
    let mut echoed = Measured::nothing()?;
    // Unmeasured, so that what the load before left to be done is done.
    crowd.open(rate, ground.limit / 5, |_| {})?;
    for _ in 0..WINDOWS {
        window(&mut crowd, &mut admin, rate, ground.limit, &mut seen)?;
        echoed.then(&echoing.open(rate, ground.limit, |_| {})?.0)?;
        seen.stalls = seen.stalls.then(Stalls::watch(ground.limit)?);
        if seen.checkpoints >= CHECKPOINTS {
            break;
        }
    }
    Ok(rows(seen, &echoed, rate))
}

fn rows(seen: Seen, echoed: &Measured, rate: u32) -> Vec<Row> {
    let p50 = seen.all.at(0.5);
    let during = float(seen.during.value_at_quantile(0.99));
    let beside = json!({
        "asked_per_second": rate, "measured": seen.all.json(), "checkpoints": seen.checkpoints,
        "checkpoint_ns": {"p50": seen.during.value_at_quantile(0.5), "p99": seen.during.value_at_quantile(0.99)},
        "slices_p99_p50_ns": seen.slices, "slice_seconds": SLICE.as_secs_f64(),
        "stalls": {
            "count": seen.stalls.count, "longest_ns": seen.stalls.longest.as_secs_f64() * 1e9,
            "watched_seconds": seen.stalls.watched.as_secs_f64(),
        },
    });
    let row = |name, what, figure, floor, bar| Row {
        name,
        what,
        unit: Unit::Nanoseconds,
        figure,
        floor,
        bar,
        beside: beside.clone(),
    };
    let over = |figure: f64, p50: f64| Some(Floor { what: "p50", value: p50, ratio: figure / p50.max(1.0) });
    let rate = grouped(rate.into());
    let ours = format!("issue at {rate} /s, half of the peak, p99");
    let bar = Bar::RatioAtMost(3.0);
    let p99 = seen.all.at(0.99);
    let mut rows = vec![row("half_p99", ours.clone(), p99, over(p99, p50), bar)];
    if seen.checkpoints > 0 {
        let what = format!("{ours} while a checkpoint ran");
        rows.push(row("half_p99_checkpoint", what, during, over(during, p50), bar));
    }
    let (p99, slice) = Floor::of(&Turns::of(seen.slices), "p50");
    let what = "the same, median of tenths of a second".into();
    rows.push(row("half_p99_slice", what, p99, Some(slice), Bar::Nowhere));
    let what = format!("echo with the HMACs and syncs at {rate} /s, p99");
    let p99 = echoed.at(0.99);
    rows.push(row("half_p99_of_echo", what, p99, over(p99, echoed.at(0.5)), Bar::Nowhere));
    let what = format!("processors away for {SHORTEST:?} and more, each second");
    rows.push(row("half_stalls", what, seen.stalls.per_second(), None, Bar::Nowhere));
    rows
}

/// One window of the open loop, with a look at the checkpoints after every slice.
fn window(
    crowd: &mut Crowd,
    admin: &mut Client<UnixStream>,
    rate: u32,
    limit: Duration,
    seen: &mut Seen,
) -> Result<(), Failure> {
    let (done, checkpoints) = std::thread::scope(|scope| {
        let mut watching = None;
        let done = crowd.open(rate, limit, |start| {
            watching = Some(scope.spawn(move || watch(admin, start, limit)));
        });
        (done, watching.map(std::thread::ScopedJoinHandle::join))
    });
    let (measured, sliced) = done?;
    let checkpoints =
        checkpoints.and_then(Result::ok).ok_or_else(|| Failure::new("nobody watched the checkpoints"))??;
    seen.all.then(&measured)?;
    seen.take(&sliced, &checkpoints)
}

/// How many checkpoints ended in each slice.
fn watch(admin: &mut Client<UnixStream>, start: Instant, limit: Duration) -> Result<Vec<u64>, Failure> {
    const ENDED: &str = "tally_checkpoints_total";
    let mut checkpoints = Vec::new();
    let mut before = metric(admin, ENDED)?;
    let mut end = start;
    while end < start + limit {
        end += SLICE;
        std::thread::sleep(end.saturating_duration_since(Instant::now()));
        let now = metric(admin, ENDED)?;
        checkpoints.push(now.saturating_sub(before));
        before = now;
    }
    Ok(checkpoints)
}

impl Seen {
    fn nothing() -> Result<Self, Failure> {
        let during = Histogram::new_with_bounds(1_000, 10_000_000_000, 2)?;
        Ok(Self {
            all: Measured::nothing()?,
            during,
            checkpoints: 0,
            slices: Vec::new(),
            stalls: Stalls::default(),
        })
    }

    fn take(&mut self, sliced: &Sliced, checkpoints: &[u64]) -> Result<(), Failure> {
        let next = checkpoints.iter().skip(1).chain(&[0]);
        for ((slice, own), next) in sliced.slices().iter().zip(checkpoints).zip(next) {
            self.checkpoints += own;
            self.slices.push([0.99, 0.5].map(|quantile| float(slice.value_at_quantile(quantile))));
            if own + next > 0 {
                self.during.add(slice)?;
            }
        }
        Ok(())
    }
}
