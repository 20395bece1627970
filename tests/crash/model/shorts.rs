//! Short values of one token: four outstanding, each consumed once, locked after
//! five misses.

use std::collections::BTreeMap;

use tallystick::wire::Status;

use super::fault::Kind;
use crate::ask::Digits;
use crate::log::{Entry, Key};

const OUTSTANDING: usize = 4;
const MISSES: usize = 5;

/// What the client knows of a token's short values.
#[derive(Debug, Clone, Default)]
pub struct Shorts {
    values: BTreeMap<u32, Digits>,
    /// Issues without a reply, by their keys, and when they were sent.
    unheard: BTreeMap<Option<Key>, u64>,
    /// Verifications that were not refused: value and when it was sent.
    uses: Vec<(Digits, u64)>,
    /// When each miss was sent and acknowledged, since the lock was last cleared.
    misses: Vec<(u64, u64)>,
    /// When a verification without a reply was sent, since then.
    perhaps: Vec<u64>,
}

impl Shorts {
    pub fn issue(&mut self, atc: u32, value: Digits) {
        self.values.insert(atc, value);
    }

    pub fn issue_perhaps(&mut self, key: Option<Key>, sent: u64) {
        self.unheard.insert(key, sent);
    }

    /// An issue with this key has an answer.
    pub fn heard(&mut self, key: Option<Key>) {
        self.unheard.remove(&key);
    }

    /// An acceptance; its counter is checked with the others.
    pub fn accept(&mut self, atc: u32, value: Digits, sent: u64) -> Option<Kind> {
        self.uses.push((value, sent));
        match self.values.get(&atc) {
            // Of several equal values the daemon may take any.
            Some(issued) => (*issued != value).then_some(Kind::AcceptedOther),
            None => self.unheard.is_empty().then_some(Kind::ShortInvented),
        }
    }

    pub fn miss(&mut self, sent: u64, ended: u64) {
        self.misses.push((sent, ended));
    }

    /// A verification without a reply; the counter that it may have consumed.
    pub fn use_perhaps(&mut self, value: Digits, sent: u64) -> Option<u32> {
        self.uses.push((value, sent));
        self.perhaps.push(sent);
        self.counters_of(value).next()
    }

    pub fn clear(&mut self) {
        self.misses.clear();
        self.perhaps.clear();
    }

    /// Whether serving short values was right.
    pub fn judge_service(&self, sent: u64) -> Option<Kind> {
        let sure = self.misses.iter().filter(|(_, ended)| *ended < sent).count();
        (sure >= MISSES).then_some(Kind::LockForgotten)
    }

    /// Whether a refusal was right; `value` is that of a verification.
    pub fn judge_refusal(&self, value: Option<Digits>, entry: &Entry, status: Status) -> Option<Kind> {
        match (status, value) {
            (Status::ShortLocked, _) => {
                let misses = self.misses.iter().filter(|(sent, _)| *sent < entry.ended).count();
                let perhaps = self.perhaps.iter().filter(|sent| **sent < entry.ended).count();
                (misses + perhaps < MISSES).then_some(Kind::LockInvented)
            }
            (Status::ShortMismatch, Some(value)) => {
                let used = self.uses.iter().any(|(used, sent)| *used == value && *sent < entry.ended);
                let excused = used || self.is_displaced(value, entry.ended);
                (!excused).then_some(Kind::ShortRefused).or_else(|| self.judge_service(entry.sent))
            }
            _ => Some(Kind::Unexpected(status)),
        }
    }

    /// Whether four others may have been issued after a value.
    fn is_displaced(&self, value: Digits, ended: u64) -> bool {
        self.counters_of(value).next().is_none_or(|atc| {
            let heard = self.values.range(atc + 1..).count();
            heard + self.unheard.values().filter(|sent| **sent < ended).count() >= OUTSTANDING
        })
    }

    /// The counters with this value, the newest first.
    pub fn counters_of(&self, value: Digits) -> impl Iterator<Item = u32> {
        self.values.iter().rev().filter(move |(_, issued)| **issued == value).map(|(atc, _)| *atc)
    }
}
