//! `tally bench --sweep`: how rate and latency grow with connections, depth,
//! tokens and load. One JSON object a line, for `benches/plots.py`.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::crowd::{Crowd, Load};
use super::echo::{Echo, Extra};
use super::floor::header;
use super::home::{Home, metric};
use super::measured::Measured;
use super::number::{grouped, nanoseconds};
use super::tokens::Tokens;
use super::turns::{FEW, in_turns};
use crate::arguments::bench::{Bench, BenchOp};
use crate::output::{Failure, Output};

/// Tokens of the series that are not about tokens.
const TOKENS: u32 = 100_000;
/// The most tokens, unless told otherwise.
const MOST_TOKENS: u32 = 1_000_000;

const CONNECTIONS: [u32; 8] = [1, 2, 4, 8, 16, 32, 64, 128];
const DEPTHS: [u32; 6] = [1, 4, 16, 64, 256, 1024];
/// What is measured where only one of connections, depth and tokens grows.
const USUAL: Load = Load { op: BenchOp::Issue, connections: 4, depth: 256 };
/// Depth while connections grow: together they stay within what a host has.
const MANY_CONNECTIONS_DEPTH: u32 = 64;
/// Open loops at these parts of the peak rate, in percent.
const LOADS: [u32; 9] = [10, 20, 30, 40, 50, 60, 70, 80, 90];

/// Prints each point when it is there.
struct Sweep<'s> {
    output: &'s Output,
    /// How long each point is measured.
    limit: Duration,
}

/// Measures all series.
pub fn run(arguments: &Bench, output: &Output) -> Result<(), Failure> {
    output.item(|| header().1, || None);
    let sweep = Sweep { output, limit: Duration::from_secs(arguments.seconds.into()) };
    let mut home = Home::throwaway()?;
    let tokens = home.tokens(TOKENS)?;
    for op in [BenchOp::Issue, BenchOp::Verify] {
        for connections in CONNECTIONS {
            let load = Load { op, connections, depth: MANY_CONNECTIONS_DEPTH };
            sweep.point("connections", &home, &tokens, load)?;
        }
        for depth in DEPTHS {
            sweep.point("depth", &home, &tokens, Load { op, depth, ..USUAL })?;
        }
    }
    sweep.loads(&home, &tokens)?;
    drop(home);
    sweep.tokens(arguments.dir.as_deref(), arguments.tokens.unwrap_or(MOST_TOKENS))
}

impl Sweep<'_> {
    /// One point in turns with the bare echo.
    fn point(
        &self,
        series: &'static str,
        home: &Home,
        tokens: &Arc<Tokens>,
        load: Load,
    ) -> Result<(), Failure> {
        let echo = Echo::start(load.op, Extra::Nothing)?;
        let mut crowd = Crowd::connect(&home.socket(), load, tokens)?;
        let mut echoing = Crowd::connect_echo(&echo.socket(), load, tokens)?;
        let (mut ours, mut theirs) = (Measured::nothing()?, Measured::nothing()?);
        in_turns(
            self.limit,
            FEW,
            [&mut |limit| crowd.add_to(&mut ours, limit), &mut |limit| echoing.add_to(&mut theirs, limit)],
        )?;
        let mut point = told(series, load, tokens.len(), &ours);
        set(&mut point, "echo", theirs.json());
        self.tell(&point, &ours);
        Ok(())
    }

    /// Latency at parts of the peak rate.
    fn loads(&self, home: &Home, tokens: &Arc<Tokens>) -> Result<(), Failure> {
        let mut crowd = Crowd::connect(&home.socket(), USUAL, tokens)?;
        let peak = crowd.closed(self.limit)?.per_second();
        for percent in LOADS {
            let rate = format!("{:.0}", peak * f64::from(percent) / 100.0).parse()?;
            let (measured, _) = crowd.open(rate, self.limit, |_| {})?;
            let mut point = told("load", USUAL, tokens.len(), &measured);
            set(&mut point, "peak_per_second", json!(peak.round()));
            set(&mut point, "asked_per_second", json!(rate));
            self.tell(&point, &measured);
        }
        Ok(())
    }

    /// Growing tokens, with memory and the time of a start after SIGKILL. The
    /// most lie in `dir`, if there is one, and can be used again.
    fn tokens(&self, dir: Option<&Path>, most: u32) -> Result<(), Failure> {
        let mut home = Home::throwaway()?;
        let smaller = (3..8).map(|power| 10_u32.pow(power)).take_while(|count| *count < most);
        for count in smaller {
            self.count(&mut home, count)?;
        }
        if let Some(dir) = dir {
            home = Home::own_at(dir)?;
        }
        self.count(&mut home, most)
    }

    fn count(&self, home: &mut Home, count: u32) -> Result<(), Failure> {
        let tokens = home.tokens(count)?;
        home.kill_and_start()?;
        let mut crowd = Crowd::connect(&home.socket(), USUAL, &tokens)?;
        let mut measured = Measured::nothing()?;
        in_turns(self.limit, FEW, [&mut |limit| crowd.add_to(&mut measured, limit)])?;
        let memory = home.memory()?;
        let journal = metric(&mut home.admin()?, "tally_journal_bytes")?;
        let start = home.kill_and_start()?;
        let mut point = told("tokens", USUAL, home.held(), &measured);
        set(&mut point, "memory_bytes", json!(memory));
        set(&mut point, "journal_bytes", json!(journal));
        set(&mut point, "start_seconds", json!(start.as_secs_f64()));
        self.tell(&point, &measured);
        Ok(())
    }

    fn tell(&self, point: &Value, measured: &Measured) {
        let text = || {
            let of = |name: &str| point.get(name).map(ToString::to_string).unwrap_or_default();
            Some(format!(
                "{} {}: {} connections x {}, {} tokens: {} /s, p50 {}, p99 {}",
                of("series"),
                of("op"),
                of("connections"),
                of("depth"),
                of("tokens"),
                grouped(measured.per_second()),
                nanoseconds(measured.at(0.5)),
                nanoseconds(measured.at(0.99)),
            ))
        };
        self.output.item(|| point.clone(), text);
    }
}

fn told(series: &str, load: Load, tokens: usize, measured: &Measured) -> Value {
    json!({
        "series": series, "op": load.op.name(), "connections": load.connections, "depth": load.depth,
        "tokens": tokens, "measured": measured.json(),
    })
}

fn set(point: &mut Value, name: &str, value: Value) {
    if let Value::Object(fields) = point {
        fields.insert(name.to_owned(), value);
    }
}
