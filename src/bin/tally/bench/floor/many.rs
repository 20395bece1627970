//! What many tokens cost beside few.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use tallystick::client::Client;

use super::row::{Bar, Floor, Row, Unit};
use super::{CONNECTIONS, DEPTH};
use crate::arguments::bench::BenchOp;
use crate::bench::crowd::{Crowd, Load};
use crate::bench::home::{Home, metric};
use crate::bench::number::{float, grouped};
use crate::bench::turns::{self, in_turns};
use crate::output::Failure;

/// What is few.
const FEW: u32 = 10_000;
/// How long the journal is filled at most until it is full.
const FILLING: Duration = Duration::from_secs(60);
/// Between two looks at the journal.
const LOOK: Duration = Duration::from_millis(2);

const LOAD: Load = Load { op: BenchOp::Issue, connections: CONNECTIONS, depth: DEPTH };

/// The rows of `count` tokens: rate, memory, start.
pub fn measure(
    dir: Option<&Path>,
    count: u32,
    limit: Duration,
    mut tell: impl FnMut(Vec<Row>),
) -> Result<(), Failure> {
    if count <= FEW {
        return Err(Failure::new(format!("{count} tokens are not many: take more than {FEW}")));
    }
    let mut few = Home::throwaway()?;
    let mut many = dir.map_or_else(Home::throwaway, Home::own_at)?;
    let (few_tokens, many_tokens) = (few.tokens(FEW)?, many.tokens(count)?);
    // Both as after a start: what provisioning left behind is no cost of a token.
    few.kill_and_start()?;
    many.kill_and_start()?;
    let mut few_crowd = Crowd::connect(&few.socket(), LOAD, &few_tokens)?;
    let mut many_crowd = Crowd::connect(&many.socket(), LOAD, &many_tokens)?;
    let turns = in_turns(
        limit,
        turns::FEW,
        [&mut |limit| Ok(many_crowd.closed(limit)?.per_second()), &mut |limit| {
            Ok(few_crowd.closed(limit)?.per_second())
        }],
    )?;
    let (figure, floor) = Floor::of(&turns, "with 10,000 tokens");
    let held = many.held();
    tell(vec![Row {
        name: "many_rate",
        what: format!("issue, durable, {} tokens, {CONNECTIONS} x {DEPTH}", grouped(count.into())),
        unit: Unit::PerSecond,
        figure,
        floor: Some(floor),
        bar: Bar::RatioAtLeast(0.8),
        beside: json!({"tokens": count, "held": held}),
    }]);
    tell(vec![memory(&few, &many)?]);
    tell(vec![start(&mut many, &mut many_crowd)?]);
    Ok(())
}

/// Memory after the load, above that of the daemon with few tokens.
fn memory(few: &Home, many: &Home) -> Result<Row, Failure> {
    let (base, whole) = (few.memory()?, many.memory()?);
    let tokens = float(u64::try_from(many.held() - few.held())?);
    Ok(Row {
        name: "many_memory",
        what: format!("memory of a token, of {}", grouped(float(u64::try_from(many.held())?))),
        unit: Unit::Bytes,
        figure: (float(whole) - float(base)) / tokens,
        floor: None,
        bar: Bar::FigureAtMost(64.0),
        beside: json!({"bytes": whole, "bytes_with_few": base, "few": few.held()}),
    })
}

/// The time of a start after SIGKILL with the journal as full as it gets.
fn start(many: &mut Home, crowd: &mut Crowd) -> Result<Row, Failure> {
    let mut admin = many.admin()?;
    let journal = std::thread::scope(|scope| {
        // The load goes on until the kill ends it.
        scope.spawn(|| while crowd.closed(FILLING).is_ok() {});
        let journal = fill(&mut admin);
        let started = many.kill_and_start();
        journal.and_then(|journal| Ok((journal, started?)))
    });
    let ((bytes, most), took) = journal?;
    Ok(Row {
        name: "many_start",
        what: format!("start after SIGKILL, journal {} KiB", grouped(float(bytes / 1024))),
        unit: Unit::Nanoseconds,
        figure: took.as_secs_f64() * 1e9,
        floor: None,
        bar: Bar::FigureAtMost(3e9),
        beside: json!({"journal_bytes": bytes, "most_journal_bytes": most, "held": many.held()}),
    })
}

/// Waits until the journal is nearly as long as it was at its longest before it
/// was cut; its length, and the longest.
fn fill(admin: &mut Client<UnixStream>) -> Result<(u64, u64), Failure> {
    let (begun, mut most, mut trimmed) = (Instant::now(), 0, false);
    loop {
        let bytes = metric(admin, "tally_journal_bytes")?;
        trimmed |= bytes < most / 10 * 9;
        most = most.max(bytes);
        if trimmed && bytes >= most / 100 * 95 || begun.elapsed() > FILLING {
            return Ok((bytes, most));
        }
        std::thread::sleep(LOOK);
    }
}
