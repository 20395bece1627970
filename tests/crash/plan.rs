//! What a seed plans: the load of each round and when it is killed. It depends on
//! the seed and the number of the round alone. Tokens and cryptograms are the
//! daemon's own, so the plan names them by picks from what is known by then.

use std::fmt;
use std::time::Duration;

use fastrand::Rng;
use sha2::{Digest, Sha256};

use crate::log::Key;

/// One round.
#[derive(Debug, Clone)]
pub struct Round {
    pub number: u32,
    /// Whether pages go with nearly every group.
    pub small_journal: bool,
    pub kill: Kill,
    /// Further kills while it starts again: when, in thousandths of the time
    /// that a start takes.
    pub kills_at_start: Vec<u32>,
    /// For what is checked afterwards.
    pub check_seed: u64,
    seeds: Vec<u64>,
}

/// When the daemon is killed.
#[derive(Debug, Clone, Copy)]
pub enum Kill {
    After(Duration),
    /// With the nth reply.
    AtReply(u32),
    /// So long after many pages were seen to be written.
    AtPages(Duration),
}

/// What one connection does, without end.
#[derive(Debug, Clone)]
pub struct Steps {
    rng: Rng,
    round: u32,
    worker: usize,
    keys: u32,
    heavy: bool,
}

/// One frame.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub act: Act,
    /// Picks the token, cryptogram or key that it is about.
    pub pick: u64,
    /// Minor units of a payment.
    pub units: u64,
    /// The first of the idempotency keys for its requests, if they have any.
    pub key: Option<Key>,
}

/// What a frame does.
#[derive(Debug, Clone, Copy)]
pub enum Act {
    Issue,
    /// A batch, on one token or on many.
    IssueMany {
        count: u32,
        spread: bool,
    },
    Verify(Of),
    VerifyMany {
        count: u32,
    },
    /// The same cryptogram on two connections at once.
    VerifyTwice,
    IssueShort,
    VerifyShort,
    Provision,
    Suspend,
    Resume,
    Show,
    Detokenize,
    /// An acknowledged request again, with its idempotency key.
    Repeat,
    /// Another request with an acknowledged idempotency key.
    Conflict,
}

/// Which cryptogram is verified.
#[derive(Debug, Clone, Copy)]
pub enum Of {
    /// One that nobody has presented, of this round or an earlier one.
    Fresh,
    Used,
    /// One whose verification was not answered.
    Lost,
}

impl Round {
    pub fn of(seed: u64, number: u32) -> Self {
        let mut rng = Rng::with_seed(seed ^ u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let small_journal = rng.u8(..).is_multiple_of(3);
        let mut micros = |range| Duration::from_micros(rng.u64(range));
        let (short, long, at_pages) = (micros(0..30_000), micros(30_000..400_000), micros(0..12_000));
        let kill = match (rng.u8(..) % 4, small_journal) {
            (0, _) => Kill::After(short),
            (1, false) => Kill::After(long),
            (_, false) => Kill::AtReply(rng.u32(1..900)),
            (_, true) => Kill::AtPages(at_pages),
        };
        let again = [0, 0, 1, 1, 2][rng.usize(..5)];
        Self {
            number,
            small_journal,
            kill,
            kills_at_start: (0..again).map(|_| rng.u32(0..1_200)).collect(),
            check_seed: rng.u64(..),
            seeds: (0..rng.usize(3..=6)).map(|_| rng.u64(..)).collect(),
        }
    }

    /// What each connection does.
    pub fn steps(&self) -> Vec<Steps> {
        let steps = |(worker, seed): (usize, &u64)| Steps {
            rng: Rng::with_seed(*seed),
            round: self.number,
            worker,
            keys: 0,
            heavy: self.small_journal,
        };
        self.seeds.iter().enumerate().map(steps).collect()
    }

    /// A fingerprint of the plan and of the beginning of what each connection does.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{self:?}"));
        for mut steps in self.steps() {
            (0..100).for_each(|_| hash.update(format!("{:?}", steps.burst())));
        }
        data_encoding::HEXLOWER.encode(&hash.finalize()[..4])
    }
}

impl Steps {
    /// What is sent together before an answer is read.
    pub fn burst(&mut self) -> Vec<Step> {
        let count =
            if self.rng.u8(..).is_multiple_of(5) { self.rng.usize(5..40) } else { self.rng.usize(1..5) };
        (0..count).map(|_| self.step()).collect()
    }

    fn step(&mut self) -> Step {
        let act = self.act();
        let (pick, units, keyed) = (self.rng.u64(..), self.rng.u64(1..1_000_000), self.rng.u8(..) % 100);
        let (share, keys) = match act {
            Act::Issue => (30, 1),
            // Always: a value of which nobody heard could match by chance.
            Act::IssueShort => (100, 1),
            Act::IssueMany { count, .. } if count <= 40 => (20, count),
            Act::Verify(_) | Act::VerifyTwice => (25, 1),
            Act::Suspend | Act::Resume => (40, 1),
            Act::Provision => (100, 1),
            _ => (0, 0),
        };
        let key = (keyed < share).then(|| self.key(keys));
        Step { act, pick, units, key }
    }

    fn act(&mut self) -> Act {
        let many = if self.heavy { 100..800 } else { 2..40 };
        match self.rng.u8(..) % 100 {
            0..26 => Act::Issue,
            26..32 => Act::IssueMany { count: self.rng.u32(2..25), spread: false },
            32..38 => Act::IssueMany { count: self.rng.u32(many), spread: true },
            38..50 => Act::Verify(Of::Fresh),
            50..54 => Act::Verify(Of::Used),
            54..56 => Act::Verify(Of::Lost),
            56..60 => Act::VerifyMany { count: self.rng.u32(many) },
            60..68 => Act::VerifyTwice,
            68..73 => Act::IssueShort,
            73..77 => Act::VerifyShort,
            77..80 => Act::Provision,
            80..82 => Act::Suspend,
            82..86 => Act::Resume,
            86..88 => Act::Show,
            88..90 => Act::Detokenize,
            90..97 => Act::Repeat,
            _ => Act::Conflict,
        }
    }

    /// The first of so many keys of this connection that were never used.
    fn key(&mut self, count: u32) -> Key {
        let first = u64::from(self.round) << 28 | (self.worker as u64) << 24 | u64::from(self.keys);
        self.keys += count;
        Key(first)
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::After(time) => write!(f, "after {:.1} ms", time.as_secs_f64() * 1000.0),
            Self::AtReply(nth) => write!(f, "at reply {nth}"),
            Self::AtPages(time) => write!(f, "{:.1} ms after many pages", time.as_secs_f64() * 1000.0),
        }
    }
}
