//! Rates under load, beside the bare echo.

use serde_json::{Value, json};

use super::row::{Bar, Floor, Row, Unit};
use super::{CONNECTIONS, DEPTH, Ground};
use crate::arguments::bench::BenchOp;
use crate::bench::crowd::{Crowd, Load};
use crate::bench::echo::{Echo, Extra};
use crate::bench::measured::Measured;
use crate::bench::turns::{FEW, Turns, in_turns};
use crate::output::Failure;

/// The peak rate of issuing, and its rows.
pub fn issue(ground: &Ground) -> Result<(f64, Vec<Row>), Failure> {
    let seen = beside_echoes(ground, BenchOp::Issue)?;
    let figure = seen.figure();
    let rows = vec![
        seen.row("issue_rate", None, Bar::FigureAtLeast(1e6)),
        seen.row("issue_rate_of_echo", Some(seen.floor(1, "bare echo")), Bar::RatioAtLeast(1.0 / 3.0)),
        seen.row("issue_rate_of_macs", Some(seen.floor(2, WITH_MACS)), Bar::Nowhere),
        seen.bound(),
    ];
    Ok((figure, rows))
}

/// The rows of verifying.
pub fn verify(ground: &Ground) -> Result<Vec<Row>, Failure> {
    let seen = beside_echoes(ground, BenchOp::Verify)?;
    Ok(vec![
        seen.row("verify_rate", Some(seen.floor(1, "bare echo")), Bar::FigureAtLeast(6e5)),
        seen.row("verify_rate_of_macs", Some(seen.floor(2, WITH_MACS)), Bar::Nowhere),
    ])
}

const WITH_MACS: &str = "echo with the HMACs";

/// The rates of the daemon, the bare echo and the echo with HMACs, in turns.
struct Seen {
    op: BenchOp,
    turns: Turns<3>,
    beside: Value,
}

fn beside_echoes(ground: &Ground, op: BenchOp) -> Result<Seen, Failure> {
    let (bare, with_macs) = (Echo::start(op, Extra::Nothing)?, Echo::start(op, Extra::Macs)?);
    let load = Load { op, connections: CONNECTIONS, depth: DEPTH };
    let mut crowds = [
        Crowd::connect(&ground.home.socket(), load, &ground.tokens)?,
        Crowd::connect_echo(&bare.socket(), load, &ground.tokens)?,
        Crowd::connect_echo(&with_macs.socket(), load, &ground.tokens)?,
    ];
    let mut sums = [Measured::nothing()?, Measured::nothing()?, Measured::nothing()?];
    let [ours, bare, with_macs] = &mut crowds;
    let [our_sum, bare_sum, with_macs_sum] = &mut sums;
    let turns = in_turns(
        ground.limit,
        FEW,
        [&mut |limit| ours.add_to(our_sum, limit), &mut |limit| bare.add_to(bare_sum, limit), &mut |limit| {
            with_macs.add_to(with_macs_sum, limit)
        }],
    )?;
    let [ours, bare, with_macs] = sums.map(|sum| sum.json());
    let load = json!({"connections": CONNECTIONS, "depth": DEPTH, "tokens": ground.tokens.len()});
    let beside = json!({"load": load, "measured": ours, "echo": bare, "echo_with_macs": with_macs});
    Ok(Seen { op, turns, beside })
}

impl Seen {
    fn figure(&self) -> f64 {
        self.turns.median(|[ours, ..]| *ours)
    }

    fn floor(&self, nth: usize, what: &'static str) -> Floor {
        let of = |turn: &[f64; 3]| turn.get(nth).copied().unwrap_or(f64::NAN);
        let ratio = self.turns.median(|turn| turn.first().map_or(f64::NAN, |ours| ours / of(turn)));
        Floor { what, value: self.turns.median(of), ratio }
    }

    /// The echo with HMACs beside the bare one: no engine comes nearer to it.
    fn bound(&self) -> Row {
        let ratio = self.turns.median(|[_, bare, with_macs]| with_macs / bare);
        let floor = Floor { ratio, ..self.floor(1, "bare echo") };
        Row {
            what: format!("{WITH_MACS}, {CONNECTIONS} x {DEPTH}"),
            figure: self.turns.median(|[_, _, with_macs]| *with_macs),
            ..self.row("bound_of_macs", Some(floor), Bar::Nowhere)
        }
    }

    fn row(&self, name: &'static str, floor: Option<Floor>, bar: Bar) -> Row {
        let what = if self.op == BenchOp::Verify { "verify and consume" } else { self.op.name() };
        Row {
            name,
            what: format!("{what}, durable, {CONNECTIONS} x {DEPTH}"),
            unit: Unit::PerSecond,
            figure: self.figure(),
            floor,
            bar,
            beside: self.beside.clone(),
        }
    }
}
