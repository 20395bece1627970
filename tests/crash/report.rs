//! What is printed of a run.

use std::fmt::Write;
use std::time::Duration;

use crate::load::Killed;
use crate::log::Entry;
use crate::model::{Fault, Tally};
use crate::plan::Round;

/// Most faults that are printed.
const SHOWN: usize = 20;

/// What the checks of a start found.
pub struct Checked {
    pub answers: usize,
    pub faults: Vec<Fault>,
    /// Why they ended early.
    pub trouble: Option<String>,
}

/// What a run came to, beside what was asked and answered.
pub struct Total {
    pub rounds: u32,
    pub kills_at_start: usize,
    pub pages: u64,
    pub time: Duration,
    pub seed: u64,
}

impl Total {
    /// The last line.
    pub fn line(&self, tally: &Tally) -> String {
        let Self { rounds, kills_at_start, pages, time, seed } = self;
        format!(
            "crash: all good: {} rounds, {kills_at_start} kills at start, {pages} pages seen, {:.1} s; \
             acknowledged {}, refused {}, unknown {}; {} issued, {} accepted, {} replays refused, \
             {} retries gave the same bytes, {} conflicts, {} unknown keys resolved, {} tokens; seed {:#018x}",
            rounds,
            time.as_secs_f64(),
            tally.acknowledged,
            tally.refused,
            tally.unknown,
            tally.issued,
            tally.accepted,
            tally.replays,
            tally.recalls,
            tally.conflicts,
            tally.resolved,
            tally.provisioned,
            seed,
        )
    }
}

/// What a round came to.
pub fn round(round: &Round, killed: &Killed, again: &[Duration], checked: &Checked) -> String {
    let millis = |time: &Duration| format!("{:.1}", time.as_secs_f64() * 1000.0);
    let count = |of: fn(&Entry) -> bool| killed.log.iter().filter(|entry| of(entry)).count();
    let again = match again {
        [] => String::new(),
        times => {
            format!(", and {} ms into starting", times.iter().map(millis).collect::<Vec<_>>().join(" and "))
        }
    };
    format!(
        "round {:>3}  plan {}  killed {} ({} ms, {} replies{}){again}; acknowledged {}, refused {}, \
         unknown {}; checked {}",
        round.number,
        round.digest(),
        round.kill,
        millis(&killed.after),
        killed.replies,
        if killed.pages > 0 { format!(", {} pages", killed.pages) } else { String::new() },
        count(|entry| entry.told().is_some()),
        count(|entry| entry.status().is_some()),
        count(Entry::is_unknown),
        checked.answers,
    )
}

/// The faults of a round and what ended it early, if there was anything.
pub fn verdict(round: &Round, faults: &[Fault], trouble: Option<&str>) -> Result<(), String> {
    if faults.is_empty() && trouble.is_none() {
        return Ok(());
    }
    let mut text = format!("round {}: ", round.number);
    match trouble {
        Some(trouble) => text.push_str(trouble),
        None => {
            let _ = write!(text, "{} faults", faults.len());
        }
    }
    for fault in faults.iter().take(SHOWN) {
        let _ = write!(text, "\n  {fault}");
    }
    Err(text)
}
