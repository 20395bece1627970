//! What was answered under each idempotency key.

use std::collections::BTreeMap;

use tallystick::wire::Status;

use super::fault::{Fault, Kind};
use super::tally::Tally;
use crate::ask::Ask;
use crate::log::{Entry, Key, Outcome};

/// Every key that was used.
#[derive(Debug, Clone, Default)]
pub struct Keys(BTreeMap<Key, Used>);

#[derive(Debug, Clone)]
struct Used {
    ask: Ask,
    /// When it was first sent.
    since: u64,
    /// The first acknowledged answer, and when it came.
    answer: Option<(Vec<u8>, u64)>,
}

/// What an entry means for the rest of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// It may have done something; first asked for then.
    Since(u64),
    /// It did nothing.
    Nothing,
}

impl Keys {
    /// Takes note of an entry; they come by the moment they ended.
    pub fn note(&mut self, entry: &Entry, tally: &mut Tally, faults: &mut Vec<Fault>) -> Meaning {
        let Some(key) = entry.key else { return Meaning::Since(entry.sent) };
        let used = self.0.entry(key).or_insert(Used { ask: entry.ask, since: entry.sent, answer: None });
        if used.ask != entry.ask {
            let kind = (entry.status() != Some(Status::IdempotencyConflict)).then_some(Kind::ConflictMissed);
            // Only what was answered before can conflict for sure.
            let before = used.answer.as_ref().is_some_and(|(_, ended)| *ended < entry.sent);
            tally.conflicts += u64::from(before && kind.is_none());
            faults.extend(kind.filter(|_| before && !entry.is_unknown()).map(|kind| Fault::of(kind, entry)));
            return Meaning::Nothing;
        }
        used.since = used.since.min(entry.sent);
        used.repeat(entry, tally, faults)
    }
}

impl Used {
    /// The same request again, or for the first time.
    fn repeat(&mut self, entry: &Entry, tally: &mut Tally, faults: &mut Vec<Fault>) -> Meaning {
        let mut found = |kind| faults.push(Fault::of(kind, entry));
        match (&entry.outcome, &self.answer) {
            (Outcome::Acknowledged(answer), Some((known, _))) => {
                tally.recalls += 1;
                if answer.bytes != *known {
                    found(Kind::ReplyChanged);
                }
                Meaning::Nothing
            }
            (Outcome::Acknowledged(answer), None) => {
                self.answer = Some((answer.bytes.clone(), entry.ended));
                Meaning::Since(self.since)
            }
            (Outcome::Refused(Status::IdempotencyConflict), _) => {
                found(Kind::ConflictInvented);
                Meaning::Nothing
            }
            (Outcome::Refused(status), Some((_, ended))) if *ended < entry.sent => {
                found(Kind::KeyForgotten(*status));
                Meaning::Nothing
            }
            (Outcome::Unknown, Some((_, ended))) if *ended < entry.sent => Meaning::Nothing,
            // It ran beside the one that was answered, or is the first.
            _ => Meaning::Since(entry.sent),
        }
    }
}
