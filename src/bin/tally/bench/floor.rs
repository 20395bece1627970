//! `tally bench --floor`: every figure that has a bar, measured in turns with
//! its floor, so that what the machine does meanwhile hits both.

mod commit;
mod depth_one;
mod half;
mod idle;
mod in_process;
mod many;
mod rate;
mod row;
mod stalls;
mod sync;

use std::sync::Arc;
use std::time::Duration;

use super::home::Home;
use super::tokens::Tokens;
use crate::arguments::bench::Bench;
use crate::output::{Failure, Output};
use row::Row;

pub use row::header;

/// Tokens that the figures are measured with.
const TOKENS: u32 = 100_000;
/// The load that rates are measured with.
const CONNECTIONS: u32 = 4;
const DEPTH: u32 = 256;

/// What every figure is measured on.
struct Ground {
    home: Home,
    tokens: Arc<Tokens>,
    /// How long each figure and each floor is measured.
    limit: Duration,
}

/// Measures and prints the table, each row when it is there.
pub fn run(arguments: &Bench, output: &Output) -> Result<(), Failure> {
    output.item(|| header().1, || Some(header().0));
    let tell = |rows: Vec<Row>| rows.iter().for_each(|row| output.item(|| row.json(), || Some(row.text())));
    let limit = Duration::from_secs(arguments.seconds.into());
    if let Some(count) = arguments.tokens {
        return many::measure(arguments.dir.as_deref(), count, limit, tell);
    }
    let mut home = Home::open(arguments.dir.as_deref())?;
    let tokens = home.tokens(TOKENS)?;
    let ground = Ground { home, tokens, limit };
    let (peak, rows) = rate::issue(&ground)?;
    tell(rows);
    tell(rate::verify(&ground)?);
    tell(depth_one::measure(&ground)?);
    tell(in_process::measure(limit)?);
    tell(idle::measure(&ground)?);
    tell(half::measure(&ground, peak)?);
    Ok(())
}
