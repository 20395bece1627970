//! The arguments of `tally bench`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, value_parser};

/// What to measure.
#[derive(Args)]
pub struct Bench {
    /// State directory: of a running daemon, or one for a daemon of our own, which is made, filled and
    /// can be used again; without it a throwaway one
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// State directories of more daemons that run on the same shared store: connections are spread
    /// over all
    #[arg(long, value_name = "DIR", requires = "dir", conflicts_with_all = ["floor", "sweep"])]
    pub also: Vec<PathBuf>,
    /// Operation
    #[arg(long, value_enum, default_value = "issue")]
    pub op: BenchOp,
    /// Connections
    #[arg(long, default_value_t = 4, value_parser = value_parser!(u32).range(1..=1024))]
    pub connections: u32,
    /// Requests in flight on each connection
    #[arg(long, default_value_t = 64, value_parser = value_parser!(u32).range(1..=1024))]
    pub depth: u32,
    /// Tokens, taken at random [default: 1000]; with --floor, what so many cost beside 10,000; with
    /// --sweep, the most [default: 1000000]
    #[arg(long, value_parser = value_parser!(u32).range(1..=16_000_000))]
    pub tokens: Option<u32>,
    /// Seconds to measure each figure
    #[arg(long, default_value_t = 5, value_parser = value_parser!(u32).range(1..=3600))]
    pub seconds: u32,
    /// Send at a fixed rate a second, all connections together, and count latency from when each
    /// request was due
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(1..=100_000_000))]
    pub rate: Option<u32>,
    /// Connections that do nothing, held open beside
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = value_parser!(u32).range(0..=4000))]
    pub idle: u32,
    /// Measure every figure that has a bar, in turns with its floor: a bare echo, fdatasync or HMAC
    #[arg(long, conflicts_with_all = ["sweep", "rate", "idle", "op", "connections", "depth"])]
    pub floor: bool,
    /// Measure over growing connections, depth and tokens: JSON lines, for plots
    #[arg(long, conflicts_with_all = ["rate", "idle", "op", "connections", "depth"])]
    pub sweep: bool,
}

/// An operation to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchOp {
    /// There and back
    Ping,
    /// Issue, durable
    Issue,
    /// Verify and consume, durable, each cryptogram once
    Verify,
}

impl BenchOp {
    /// The name told.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ping => "ping",
            Self::Issue => "issue",
            Self::Verify => "verify",
        }
    }
}
