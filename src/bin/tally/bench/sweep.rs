//! `tally bench --sweep`: series for plots.

use crate::bench::arguments::Bench;
use crate::output::{Failure, Output};

/// Measures all series.
pub fn run(_arguments: &Bench, _output: &Output) -> Result<(), Failure> {
    Err(Failure::new("coming"))
}
