//! What waits to be written. Everything in it is bounded.

use std::collections::BTreeMap;

use super::notes::Notes;
use crate::audit::{Count, Covered, Event, Groups, Operation, Stand};
use crate::store::{ChainHead, Epoch};
use crate::types::UnixTime;
use crate::wire::Status;

/// Refusals a second that are told one by one; the others are counted.
pub(super) const DETAILS: usize = 32;
/// Kinds of operation that are counted apart.
const KINDS: usize = 256;
/// Groups that wait, each with its MAC; past it the MAC of the last covers them.
const GROUPS: usize = 65_536;
/// Groups in a record.
const GROUPS_A_RECORD: usize = 1024;
/// Operations that wait to be told one by one; past it they are counted.
const LISTED: usize = 4096;
const OTHERS: &str = "others";

/// Caller, operation and status.
type Kind = (String, &'static str, &'static str);

/// What waits to be written.
#[derive(Debug)]
pub(super) struct Desk {
    epoch: Epoch,
    /// The newest group.
    newest: ChainHead,
    /// The last group that was taken away.
    taken: u64,
    groups: Vec<[u8; 32]>,
    /// The last of the groups that are too many to be told one by one.
    over: Option<ChainHead>,
    listed: Vec<(UnixTime, Operation)>,
    refused: Vec<(UnixTime, Operation)>,
    /// Refusals that may still be told one by one in this second.
    details: usize,
    counted: BTreeMap<Kind, u64>,
}

impl Desk {
    /// Nothing waits, and no database is open.
    pub(super) const fn new() -> Self {
        Self {
            epoch: Epoch(0),
            newest: ChainHead::START,
            taken: 0,
            groups: Vec::new(),
            over: None,
            listed: Vec::new(),
            refused: Vec::new(),
            details: DETAILS,
            counted: BTreeMap::new(),
        }
    }

    /// A database is open; its next group follows `head`. What waits still does.
    pub(super) fn begin(&mut self, epoch: Epoch, head: ChainHead) {
        (self.epoch, self.newest, self.taken) = (epoch, head, head.number.0);
        (self.groups, self.over) = (Vec::new(), None);
    }

    /// A group became durable.
    pub(super) fn group(&mut self, head: ChainHead) {
        self.newest = head;
        if self.over.is_some() || self.groups.len() >= GROUPS {
            self.over = Some(head);
        } else {
            self.groups.push(head.mac);
        }
    }

    /// Operations of a caller.
    pub(super) fn note(&mut self, now: UnixTime, caller: &str, notes: &Notes) {
        let operation = |note: &super::notes::Note| Operation {
            caller: caller.to_owned(),
            operation: note.operation.to_owned(),
            status: note.status.name().to_owned(),
            subject: note.masked(),
        };
        for note in &notes.listed {
            // Each has its own caller waiting, but while nothing is written.
            if self.listed.len() < LISTED {
                self.listed.push((now, operation(note)));
            } else {
                self.count(caller, note.operation, note.status.name(), 1);
            }
        }
        for note in &notes.refused {
            if self.details > 0 {
                self.details -= 1;
                self.refused.push((now, operation(note)));
            } else {
                self.count(caller, note.operation, note.status.name(), 1);
            }
        }
        for (operation, status, count) in &notes.counted {
            self.count(caller, operation, status.name(), *count);
        }
    }

    /// Somebody was not let in.
    pub(super) fn turned_away(&mut self, now: UnixTime, who: String, status: Status) {
        let (operation, status) = ("connect", status.name());
        if self.details == 0 {
            return self.count(&who, operation, status, 1);
        }
        self.details -= 1;
        let (operation, status) = (operation.to_owned(), status.to_owned());
        self.refused.push((now, Operation { caller: who, operation, status, subject: None }));
    }

    fn count(&mut self, caller: &str, operation: &'static str, status: &'static str, more: u64) {
        let mut kind = (caller.to_owned(), operation, status);
        if self.counted.len() >= KINDS && !self.counted.contains_key(&kind) {
            kind = (OTHERS.to_owned(), OTHERS, OTHERS);
        }
        let count = self.counted.entry(kind).or_default();
        *count = count.saturating_add(more);
    }

    /// Takes everything away; the counts only if their `second` is over.
    pub(super) fn take(&mut self, now: UnixTime, is_second_over: bool) -> Vec<(UnixTime, Event)> {
        let mut events = Vec::new();
        self.take_groups(now, &mut events);
        events.extend(self.listed.drain(..).map(|(time, operation)| (time, Event::Done(operation))));
        events.extend(self.refused.drain(..).map(|(time, operation)| (time, Event::Refused(operation))));
        if is_second_over {
            self.details = DETAILS;
            let counted = std::mem::take(&mut self.counted).into_iter();
            events.extend(counted.map(|((caller, operation, status), count)| {
                let (operation, status) = (operation.to_owned(), status.to_owned());
                (now, Event::Counted(Count { caller, operation, status, count }))
            }));
        }
        events
    }

    fn take_groups(&mut self, now: UnixTime, events: &mut Vec<(UnixTime, Event)>) {
        let Epoch(epoch) = self.epoch;
        for macs in self.groups.chunks(GROUPS_A_RECORD) {
            let first = self.taken.saturating_add(1);
            self.taken = self.taken.saturating_add(u64::try_from(macs.len()).unwrap_or(u64::MAX));
            events.push((now, Event::Groups(Groups { epoch, first, macs: macs.concat() })));
        }
        self.groups.clear();
        if let Some(head) = self.over.take() {
            let (first, last, mac) = (self.taken.saturating_add(1), head.number.0, head.mac);
            self.taken = last;
            events.push((now, Event::Covered(Covered { epoch, first, last, mac })));
        }
    }

    /// Where the database stands.
    pub(super) const fn stand(&self) -> Stand {
        Stand { epoch: self.epoch.0, group: self.newest.number.0, mac: self.newest.mac }
    }

    /// Whether anything must not wait for the next round.
    pub(super) fn is_urgent(&self) -> bool {
        !self.listed.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::audit::{Kept, Subject};
    use crate::store::GroupNumber;

    const NOW: UnixTime = UnixTime::from_seconds(1_800_000_000);

    fn desk() -> Desk {
        let mut desk = Desk::new();
        desk.begin(Epoch(3), ChainHead { number: GroupNumber(10), mac: [0; 32] });
        desk
    }

    fn refusals(count: usize) -> Notes {
        let mut notes = Notes::default();
        for _ in 0..count {
            notes.add("verify", Kept::Group, Status::BadMac, None);
        }
        notes
    }

    #[test]
    fn a_flood_of_refusals_is_counted_whole_and_stays_small() {
        let mut desk = desk();
        for _ in 0..1000 {
            desk.note(NOW, "vault", &refusals(1000));
        }
        let events = desk.take(NOW, true);
        assert!(events.len() <= DETAILS + 1, "{}", events.len());
        let told = events.iter().map(|(_, event)| match event {
            Event::Refused(_) => 1,
            Event::Counted(counted) => counted.count,
            other => panic!("{other:?}"),
        });
        assert_eq!(told.sum::<u64>(), 1_000_000);
        // The next second has details of its own, and none twice.
        desk.note(NOW, "vault", &refusals(1));
        assert!(matches!(desk.take(NOW, false).as_slice(), [(_, Event::Refused(_))]));
        assert!(desk.take(NOW, true).is_empty());
    }

    #[test]
    fn strangers_by_the_thousand_are_counted_together_in_the_end() {
        let mut desk = desk();
        for uid in 0..100_000 {
            desk.turned_away(NOW, format!("uid {uid}"), Status::PeerUnknown);
        }
        let events = desk.take(NOW, true);
        assert!(events.len() <= DETAILS + KINDS + 1);
        let counts = events.iter().map(|(_, event)| match event {
            Event::Refused(_) => 1,
            Event::Counted(counted) => counted.count,
            other => panic!("{other:?}"),
        });
        assert_eq!(counts.sum::<u64>(), 100_000);
    }

    #[test]
    fn groups_are_told_by_their_macs_and_too_many_by_the_last() {
        let mut desk = desk();
        let last = 10 + u64::try_from(GROUPS).unwrap() + 7;
        for number in 11..=last {
            let mac = [u8::try_from(number % 251).unwrap(); 32];
            desk.group(ChainHead { number: GroupNumber(number), mac });
        }
        let (mut next, mut covered) = (11, false);
        for (_, event) in desk.take(NOW, false) {
            match event {
                Event::Groups(groups) => {
                    assert_eq!((groups.epoch, groups.first), (3, next));
                    for mac in groups.macs.chunks(32) {
                        assert_eq!(mac, [u8::try_from(next % 251).unwrap(); 32]);
                        next += 1;
                    }
                }
                Event::Covered(groups) => {
                    assert_eq!((groups.first, groups.last), (next, last));
                    covered = true;
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(covered);
        desk.group(ChainHead { number: GroupNumber(last + 1), mac: [1; 32] });
        let (_, event) = desk.take(NOW, false).remove(0);
        assert!(matches!(event, Event::Groups(groups) if groups.first == last + 1));
    }

    #[test]
    fn a_token_is_masked() {
        let mut notes = Notes::default();
        let token = crate::types::TokenNumber::parse(b"4895370012345671").unwrap();
        notes.add("detokenize", Kept::Record, Status::Ok, Some(Subject::Token(token)));
        let mut desk = desk();
        desk.note(NOW, "vault", &notes);
        assert!(desk.is_urgent());
        let (_, event) = desk.take(NOW, false).remove(0);
        assert!(matches!(event, Event::Done(done) if done.subject.as_deref() == Some("xxxxxxxxxxxx5671")));
    }
}
