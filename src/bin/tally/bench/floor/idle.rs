//! One busy connection among many idle ones.

use serde_json::json;

use super::row::{Bar, Floor, Row, Unit};
use super::{DEPTH, Ground};
use crate::arguments::bench::BenchOp;
use crate::bench::crowd::{Crowd, Load};
use crate::bench::stream::connect;
use crate::bench::turns::{FEW, in_turns};
use crate::output::Failure;

/// Connections that do nothing.
const IDLE: u32 = 256;

/// The row of the busy connection. In each turn the idle ones come and go.
pub fn measure(ground: &Ground) -> Result<Vec<Row>, Failure> {
    let socket = ground.home.socket();
    let load = Load { op: BenchOp::Issue, connections: 1, depth: DEPTH };
    let mut among = Crowd::connect(&socket, load, &ground.tokens)?;
    let mut alone = Crowd::connect(&socket, load, &ground.tokens)?;
    let turns = in_turns(
        ground.limit,
        FEW,
        [
            &mut |limit| {
                let idle: Vec<_> = (0..IDLE).map(|_| connect(&socket)).collect();
                let idle: Vec<_> = idle.into_iter().collect::<Result<_, _>>()?;
                let rate = among.closed(limit)?.per_second();
                drop(idle);
                Ok(rate)
            },
            &mut |limit| Ok(alone.closed(limit)?.per_second()),
        ],
    )?;
    let (figure, floor) = Floor::of(&turns, "without them");
    Ok(vec![Row {
        name: "idle",
        what: format!("issue, durable, 1 x {DEPTH} beside {IDLE} idle connections"),
        unit: Unit::PerSecond,
        figure,
        floor: Some(floor),
        bar: Bar::RatioAtLeast(0.9),
        beside: json!({"idle": IDLE}),
    }])
}
