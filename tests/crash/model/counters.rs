//! Counters of one token: each is issued once and consumed once.

use std::collections::{BTreeMap, BTreeSet};

use tallystick::wire::Status;

use super::fault::Kind;
use super::peaks::Peaks;
use crate::log::{Entry, Key};

/// How far behind the newest consumption a counter may be consumed.
const WINDOW: u32 = 64;

/// What the client knows of a token's counters.
#[derive(Debug, Clone, Default)]
pub struct Counters {
    issued: BTreeSet<u32>,
    /// Issued, by the moment of the acknowledgement.
    issues: Peaks,
    uses: BTreeMap<u32, Vec<Use>>,
    /// Consumed for sure, by the moment of the acknowledgement.
    consumed: Peaks,
    /// Consumed perhaps, by the moment of sending.
    presented: Peaks,
}

/// A verification that was not refused.
#[derive(Debug, Clone, Copy)]
struct Use {
    sent: u64,
    key: Option<Key>,
    accepted: bool,
}

impl Counters {
    /// An acknowledged issue that nobody was told of before; `since` is when it
    /// was first asked for.
    pub fn issue(&mut self, atc: u32, since: u64, ended: u64) -> Option<Kind> {
        let (fresh, before) = (self.issued.insert(atc), self.issues.before(since));
        self.issues.note(ended, atc);
        match (fresh, atc > before) {
            (false, _) => Some(Kind::AtcTwice),
            (true, false) => Some(Kind::AtcFell),
            (true, true) => None,
        }
    }

    /// An acceptance that nobody was told of before.
    pub fn accept(&mut self, atc: u32, entry: &Entry, since: u64) -> Option<Kind> {
        let twice = self.uses.get(&atc).is_some_and(|uses| uses.iter().any(|one| one.accepted));
        let behind = self.consumed.before(since) > atc + WINDOW;
        self.consumed.note(entry.ended, atc);
        self.note(atc, entry, true);
        match (twice, behind) {
            (true, _) => Some(Kind::AcceptedTwice),
            (false, true) => Some(Kind::AcceptedBehindWindow),
            (false, false) => None,
        }
    }

    /// A verification without a reply.
    pub fn perhaps(&mut self, atc: u32, entry: &Entry) {
        self.note(atc, entry, false);
    }

    /// Whether a refusal of a good cryptogram can be right.
    pub fn judge_refusal(&self, atc: u32, entry: &Entry, status: Status) -> Option<Kind> {
        let excused = match status {
            Status::NeverIssued => return Some(Kind::IssueLost),
            Status::Replayed => self.uses.get(&atc).is_some_and(|uses| {
                // Had the request itself consumed it, its key would give the answer.
                let own = |one: &&Use| !one.accepted && one.key.is_some() && one.key == entry.key;
                uses.iter().any(|one| one.sent < entry.ended && !own(&one))
            }),
            Status::BehindWindow => self.presented.before(entry.ended) > atc + WINDOW,
            _ => return Some(Kind::Unexpected(status)),
        };
        (!excused).then_some(Kind::RefusedGood(status))
    }

    fn note(&mut self, atc: u32, entry: &Entry, accepted: bool) {
        self.presented.note(entry.sent, atc);
        self.uses.entry(atc).or_default().push(Use { sent: entry.sent, key: entry.key, accepted });
    }
}
