//! The command line: our own options, and those of libtest, which `cargo test`
//! gives to every test binary alike.

use std::ffi::OsString;

use lexopt::ValueExt;
use lexopt::prelude::{Long, Short, Value};

/// Rounds of a plain `cargo test`.
const ROUNDS: u32 = 25;
/// The name that filters are matched with.
const NAME: &str = "crash";

pub const HELP: &str = "\
Kills tallyd under load and checks that it kept its promises.

Usage: cargo test --test crash -- [--rounds N] [--seed S] [--nodes N [--netns]]

  --rounds N  rounds of load, kill and checks (25)
  --seed S    seed of the plan, decimal or 0x and hex (random)
  --nodes N   so many daemons on one database (needs --features postgres)
  --netns     each in a network of its own, which is parted (needs root)

The flags and filters of libtest are understood too.
";

/// What a run is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    pub rounds: u32,
    pub seed: u64,
    /// Daemons that share a database; one without, if it is 0.
    pub nodes: usize,
    /// Each daemon has a network namespace of its own.
    pub netns: bool,
}

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    Run(Options),
    /// The test's name, as libtest lists it, if it is among those asked for.
    List {
        selected: bool,
        terse: bool,
    },
    /// Nothing, and why.
    Nothing(&'static str),
    Help,
}

/// What libtest's flags said.
#[derive(Default)]
struct Selection {
    filters: Vec<String>,
    skipped: Vec<String>,
    exact: bool,
    list: bool,
    terse: bool,
    ignored: bool,
    bench: bool,
}

/// Reads the arguments after the program's name.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Asked, lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut selection = Selection::default();
    let mut options = Options { rounds: ROUNDS, seed: fastrand::u64(..), nodes: 0, netns: false };
    while let Some(argument) = parser.next()? {
        match argument {
            Long("rounds") => options.rounds = parser.value()?.parse_with(at_least_one)?,
            Long("seed") => options.seed = parser.value()?.parse_with(number)?,
            Long("nodes") => options.nodes = parser.value()?.parse_with(at_least_one)?.try_into().unwrap(),
            Long("netns") => options.netns = true,
            Long("help") | Short('h') => return Ok(Asked::Help),
            Long("skip") => selection.skipped.push(parser.value()?.string()?),
            Long("format") => selection.terse = parser.value()?.string()? == "terse",
            Long("exact") => selection.exact = true,
            Long("list") => selection.list = true,
            Long("ignored") => selection.ignored = true,
            Long("bench") => selection.bench = true,
            Value(filter) => selection.filters.push(filter.string()?),
            // How libtest shows and runs its tests; there is nothing of that here.
            Long("test-threads" | "color" | "logfile" | "shuffle-seed") | Short('Z') => {
                parser.value()?;
            }
            Long("nocapture" | "no-capture" | "quiet" | "include-ignored" | "test" | "show-output")
            | Long("report-time" | "ensure-time" | "shuffle" | "exclude-should-panic")
            | Long("force-run-in-process")
            | Short('q') => {
                // Of these `--report-time=plain` may have a value.
                parser.optional_value();
            }
            other => return Err(other.unexpected()),
        }
    }
    Ok(selection.asks(options))
}

impl Selection {
    fn asks(self, options: Options) -> Asked {
        let matches = |name: &String| if self.exact { name == NAME } else { NAME.contains(name.as_str()) };
        let nothing = if self.bench {
            Some("it is no benchmark")
        } else if self.ignored {
            Some("it is not an ignored test")
        } else if self.skipped.iter().any(matches) {
            Some("it is skipped")
        } else if !self.filters.is_empty() && !self.filters.iter().any(matches) {
            Some("no filter is part of its name")
        } else {
            None
        };
        match nothing {
            _ if self.list => Asked::List { selected: nothing.is_none(), terse: self.terse },
            Some(why) => Asked::Nothing(why),
            None => Asked::Run(options),
        }
    }
}

fn number(text: &str) -> Result<u64, std::num::ParseIntError> {
    text.strip_prefix("0x").map_or_else(|| text.parse(), |hex| u64::from_str_radix(hex, 16))
}

fn at_least_one(text: &str) -> Result<u32, std::num::ParseIntError> {
    text.parse::<std::num::NonZeroU32>().map(std::num::NonZeroU32::get)
}
