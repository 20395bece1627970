//! What to run: `--seed N`, `--runs N`, `--seconds N` of load, each also from the
//! environment. Options of the usual test harness are let pass.

use lexopt::prelude::*;

/// Runs of one call.
#[derive(Debug, Clone)]
pub struct Arguments {
    /// The first seed; each run has the next.
    pub seed: u64,
    pub runs: u64,
    /// Seconds of simulated load in each.
    pub seconds: u64,
    /// Whether this test is among those that are wanted.
    pub is_wanted: bool,
}

const HELP: &str = "\
--seed N     first seed (SIMULATION_SEED)
--runs N     how many seeds, each run twice (SIMULATION_RUNS)
--seconds N  seconds of simulated load in each, 30 at least (SIMULATION_SECONDS)
";

impl Arguments {
    pub fn read() -> Result<Self, lexopt::Error> {
        let mut read = Self {
            seed: from_environment("SIMULATION_SEED")?.unwrap_or(300),
            runs: from_environment("SIMULATION_RUNS")?.unwrap_or(3),
            seconds: from_environment("SIMULATION_SECONDS")?.unwrap_or(120),
            is_wanted: true,
        };
        let (mut filters, mut parser) = (Vec::new(), lexopt::Parser::from_env());
        while let Some(argument) = parser.next()? {
            match argument {
                Long("seed") => read.seed = parser.value()?.parse()?,
                Long("runs") => read.runs = parser.value()?.parse()?,
                Long("seconds") => read.seconds = parser.value()?.parse()?,
                Long("help") | Short('h') => {
                    print!("{HELP}");
                    read.is_wanted = false;
                }
                Long("list") => {
                    println!("simulation: test");
                    read.is_wanted = false;
                }
                Long("test-threads" | "format" | "color" | "skip") => drop(parser.value()?),
                Long("nocapture" | "no-capture" | "quiet" | "exact" | "include-ignored") | Short('q') => {}
                Long("ignored") => read.is_wanted = false,
                Value(filter) => filters.push(filter.string()?),
                other => return Err(other.unexpected()),
            }
        }
        read.is_wanted &=
            filters.is_empty() || filters.iter().any(|filter| "simulation".contains(filter.as_str()));
        read.seconds = read.seconds.max(30);
        Ok(read)
    }
}

fn from_environment(name: &str) -> Result<Option<u64>, lexopt::Error> {
    std::env::var(name)
        .ok()
        .map(|text| Ok(text.parse::<u64>().map_err(|error| error.to_string())?))
        .transpose()
}
