//! What a seed plans for nodes: the load is that of one daemon, the troubles are more.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;

use crate::plan::Round;

/// How long a node may stall in its turn, and how long nodes wait for a database.
pub const TURN: Duration = Duration::from_millis(800);
pub const PATIENCE: Duration = Duration::from_secs(6);

/// One round.
pub struct Troubles {
    pub load: Round,
    /// What happens, each so long after the one before.
    pub troubles: Vec<(Duration, Trouble)>,
    /// How long the load goes on afterwards.
    pub after: Duration,
}

/// What happens to nodes, to the database, and to the ways between them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// SIGKILL.
    Kill {
        node: usize,
    },
    KillAll,
    /// SIGSTOP in the middle of its turn, for longer than a turn may stall; then SIGCONT.
    Stop {
        node: usize,
    },
    /// SIGKILL of all its processes, and a start.
    KillDatabase,
    /// The way of a node to the database.
    Cut {
        node: usize,
        cut: Cut,
    },
    /// Nothing passes between a node and the database, and neither is told.
    Part {
        node: usize,
    },
    /// The server ends every session.
    EndSessions,
    /// SIGKILL of the primary, for good; its replica takes over.
    FailOver,
}

/// A cut of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    pub way: Way,
    /// After so many bytes more.
    pub bytes: usize,
    /// Nobody is told; else the connection is reset.
    pub is_silent: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    ToServer,
    ToNode,
}

/// Kinds of trouble: each round begins with the next.
pub const KINDS: u32 = 8;
const CUT: u32 = 2;
/// The kind that networks are for.
const PART: u32 = 4;

impl Troubles {
    pub fn of(seed: u64, number: u32, nodes: usize, netns: bool) -> Self {
        let load = Round::of(seed, number);
        let mut rng = Rng::with_seed(load.check_seed ^ 0x6e6f_6465);
        let first = if netns { PART } else { (number - 1) % KINDS };
        let mut troubles = vec![(millis(&mut rng, 50..900), trouble(&mut rng, first, nodes))];
        if rng.u8(..).is_multiple_of(3) {
            // One failover a round: the next replica has yet to be made.
            let kind = rng.u32(0..KINDS - 1);
            // No proxy stands between networks.
            let kind = if netns && kind == CUT { PART } else { kind };
            troubles.push((millis(&mut rng, 0..700), trouble(&mut rng, kind, nodes)));
        }
        Self { load, troubles, after: millis(&mut rng, 200..700) }
    }

    /// Whether a replica must be there.
    pub fn fails_over(&self) -> bool {
        self.troubles.iter().any(|(_, trouble)| *trouble == Trouble::FailOver)
    }
}

fn millis(rng: &mut Rng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(rng.u64(range))
}

fn trouble(rng: &mut Rng, kind: u32, nodes: usize) -> Trouble {
    let node = rng.usize(0..nodes);
    match kind {
        0 => Trouble::Kill { node },
        1 => Trouble::Stop { node },
        2 => {
            let way = if rng.bool() { Way::ToServer } else { Way::ToNode };
            // A commit is some hundred bytes and more, its answer a few dozen.
            let bytes = if rng.bool() { rng.usize(0..3_000) } else { rng.usize(0..20_000) };
            Trouble::Cut { node, cut: Cut { way, bytes, is_silent: rng.bool() } }
        }
        3 => Trouble::KillDatabase,
        4 => Trouble::Part { node },
        5 => Trouble::EndSessions,
        6 => Trouble::KillAll,
        _ => Trouble::FailOver,
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill { node } => write!(f, "node {node} killed"),
            Self::KillAll => f.write_str("all nodes killed"),
            Self::Stop { node } => write!(f, "node {node} stopped"),
            Self::KillDatabase => f.write_str("database killed"),
            Self::Cut { node, cut: Cut { way, bytes, is_silent } } => {
                let how = if *is_silent { "silent" } else { "reset" };
                let way = if *way == Way::ToServer { "to" } else { "from" };
                write!(f, "node {node} {how} after {bytes} bytes {way} the database")
            }
            Self::Part { node } => write!(f, "node {node} cut off"),
            Self::EndSessions => f.write_str("all sessions ended"),
            Self::FailOver => f.write_str("failover"),
        }
    }
}
