//! One request at a time: what a lone caller waits for.

use serde_json::json;

use super::Ground;
use super::commit::bytes_of_one;
use super::row::{Bar, Floor, Row, Unit};
use super::sync::Sync;
use crate::arguments::bench::BenchOp;
use crate::bench::crowd::{Crowd, Load};
use crate::bench::echo::{Echo, Extra};
use crate::bench::turns::{MANY, in_turns};
use crate::output::Failure;

/// The rows of issue and ping.
pub fn measure(ground: &Ground) -> Result<Vec<Row>, Failure> {
    Ok(vec![issue(ground)?, ping(ground)?])
}

fn alone(op: BenchOp) -> Load {
    Load { op, connections: 1, depth: 1 }
}

fn issue(ground: &Ground) -> Result<Row, Failure> {
    let echo = Echo::start(BenchOp::Issue, Extra::Nothing)?;
    let mut crowd = Crowd::connect(&ground.home.socket(), alone(BenchOp::Issue), &ground.tokens)?;
    let mut echoing = Crowd::connect_echo(&echo.socket(), alone(BenchOp::Issue), &ground.tokens)?;
    let bytes = bytes_of_one(ground.home.dir())?;
    let mut sync = Sync::new(ground.home.dir(), bytes)?;
    let turns = in_turns(
        ground.limit,
        MANY,
        [
            &mut |limit| Ok(crowd.closed(limit)?.at(0.5)),
            &mut |limit| Ok(echoing.closed(limit)?.at(0.5)),
            &mut |limit| Ok(sync.measure(limit)?.at(0.5)),
        ],
    )?;
    let (echo, sync) = (turns.median(|[_, echo, _]| *echo), turns.median(|[_, _, sync]| *sync));
    let ratio = turns.median(|[issue, echo, sync]| issue / (echo + sync));
    Ok(Row {
        name: "issue_depth_1",
        what: "issue, durable, depth 1, p50".to_owned(),
        unit: Unit::Nanoseconds,
        figure: turns.median(|[issue, _, _]| *issue),
        floor: Some(Floor { what: "bare echo + fdatasync", value: echo + sync, ratio }),
        bar: Bar::RatioAtMost(1.5),
        beside: json!({"echo_ns": echo, "fdatasync_ns": sync, "fdatasync_bytes": bytes}),
    })
}

fn ping(ground: &Ground) -> Result<Row, Failure> {
    let echo = Echo::start(BenchOp::Ping, Extra::Nothing)?;
    let mut crowd = Crowd::connect(&ground.home.socket(), alone(BenchOp::Ping), &ground.tokens)?;
    let mut echoing = Crowd::connect_echo(&echo.socket(), alone(BenchOp::Ping), &ground.tokens)?;
    let turns = in_turns(
        ground.limit,
        MANY,
        [&mut |limit| Ok(crowd.closed(limit)?.at(0.5)), &mut |limit| Ok(echoing.closed(limit)?.at(0.5))],
    )?;
    let (figure, floor) = Floor::of(&turns, "bare echo");
    Ok(Row {
        name: "ping_depth_1",
        what: "ping, depth 1, p50".to_owned(),
        unit: Unit::Nanoseconds,
        figure,
        floor: Some(floor),
        bar: Bar::RatioAtMost(1.3),
        beside: json!({}),
    })
}
