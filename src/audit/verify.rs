//! Checking a log offline, from its first record to its last.

use std::path::Path;

use thiserror::Error;

use super::file::{self, file_name};
use super::reader::{Break, Reader, Step};
use super::{AuditError, Event, Keys, Record, Tip};

/// What is wrong with a log, at the first record where anything is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// There are no records, though there should be.
    #[error("the log is missing")]
    Missing,
    /// It begins later than it should.
    #[error("the log begins with record {first}: those before are not here, from record {expected} on")]
    BeginsLate {
        /// The first record here.
        first: u64,
        /// The first record expected.
        expected: u64,
    },
    /// It begins as new, on a database that is not.
    #[error("the log begins as new when the database held group {group} already: one before it is not here")]
    Forgotten {
        /// The group.
        group: u64,
    },
    /// A record is not what it was.
    #[error("record {record} was changed (file {file})")]
    Changed {
        /// The record.
        record: u64,
        /// The name of its file.
        file: String,
    },
    /// A record is not there, though later ones are.
    #[error("record {record} was removed: record {next} stands in its place (file {file})")]
    Removed {
        /// The first one missing.
        record: u64,
        /// What stands there.
        next: u64,
        /// The name of the file.
        file: String,
    },
    /// A record stands later than it should.
    #[error("record {record} was moved: record {next} stands in its place (file {file})")]
    Reordered {
        /// The record.
        record: u64,
        /// What stands there.
        next: u64,
        /// The name of the file.
        file: String,
    },
    /// An earlier record stands there again.
    #[error("record {again} stands again where record {record} should be (file {file})")]
    Repeated {
        /// The record expected.
        record: u64,
        /// The one that is there.
        again: u64,
        /// The name of the file.
        file: String,
    },
    /// The end is missing.
    #[error("the log is cut off: record {record} is not there, and its head remembers record {head}")]
    CutOff {
        /// The first record missing.
        record: u64,
        /// The record remembered.
        head: u64,
    },
    /// A record that the head remembers is another by now.
    #[error("record {record} is another than its head remembers: it or one before it was changed")]
    Rewritten {
        /// The record.
        record: u64,
    },
}

impl Fault {
    /// The kind, as reports name it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::BeginsLate { .. } => "begins_late",
            Self::Forgotten { .. } => "forgotten",
            Self::Changed { .. } => "changed",
            Self::Removed { .. } => "removed",
            Self::Reordered { .. } => "reordered",
            Self::Repeated { .. } => "repeated",
            Self::CutOff { .. } => "cut_off",
            Self::Rewritten { .. } => "rewritten",
        }
    }

    /// The first record that is not what or where it was.
    #[must_use]
    pub const fn record(&self) -> u64 {
        match self {
            Self::Missing | Self::Forgotten { .. } => 1,
            Self::BeginsLate { expected, .. } => *expected,
            Self::Changed { record, .. }
            | Self::Removed { record, .. }
            | Self::Reordered { record, .. }
            | Self::Repeated { record, .. }
            | Self::CutOff { record, .. }
            | Self::Rewritten { record } => *record,
        }
    }
}

/// What is not wrong, and worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Note {
    /// Bytes that a crash left in the middle of a write.
    #[error(
        "behind record {after} stand {bytes} bytes of a record that a crash tore; the next start removes them"
    )]
    Torn {
        /// The last whole record.
        after: u64,
        /// Bytes.
        bytes: u64,
    },
    /// A daemon had crashed before.
    #[error(
        "record {record}: started after a crash{}; refusals of the second before it may not be here",
        covered(*.first, *.last)
    )]
    Crash {
        /// The record of the start.
        record: u64,
        /// The first group that was committed and not recorded before the crash.
        first: u64,
        /// The last. Its MAC covers them.
        last: u64,
    },
    /// The database stands before groups that were recorded.
    #[error("record {record}: the database went back from group {from} to group {to}")]
    WentBack {
        /// The record of the start.
        record: u64,
        /// The newest group recorded.
        from: u64,
        /// The newest that the database held.
        to: u64,
    },
    /// A break was accepted.
    #[error(
        "record {record}: the log begins anew; of the one before, record {found} was found of {head}: {reason}"
    )]
    Accepted {
        /// The record that says so.
        record: u64,
        /// The last good record found then.
        found: u64,
        /// The record that the head remembered.
        head: u64,
        /// What was wrong.
        reason: String,
    },
    /// Records under a key that is not at hand.
    #[error(
        "{count} records, from record {first} on, are under a key that is not here: their chain alone was checked"
    )]
    Unkeyed {
        /// The first.
        first: u64,
        /// How many.
        count: u64,
    },
}

fn covered(first: u64, last: u64) -> String {
    match last.checked_sub(first) {
        None => String::new(),
        Some(0) => format!("; group {first} was committed, and is not recorded but by its MAC here"),
        Some(_) => {
            format!("; groups {first} to {last} were committed, and the MAC of the last here covers them")
        }
    }
}

/// What was found of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The first record.
    pub first: u64,
    /// The last good record.
    pub tip: Tip,
    /// Files read.
    pub files: u64,
    /// Groups recorded by their MACs.
    pub groups: u64,
    /// The first fault.
    pub fault: Option<Fault>,
    /// What is worth knowing.
    pub notes: Vec<Note>,
}

/// A good record.
pub struct Seen<'a> {
    /// The record.
    pub record: Record<'a>,
    /// What it says, if that is known.
    pub event: Option<Event>,
    /// Its file.
    pub file: &'a Path,
}

/// Checks the log in a directory: its chain, with keys also every MAC, and that it
/// has every record that a head remembers. It must begin with record `from`; if none is given, with 1 on a
/// new database;
/// one that began anew after a break begins with the record that says so. Each good
/// record before the first fault goes to `sink`.
///
/// # Errors
/// [`AuditError::File`] if it cannot be read.
pub fn verify(
    dir: &Path,
    keys: Option<&dyn Keys>,
    heads: &[Tip],
    from: Option<u64>,
    sink: &mut dyn FnMut(&Seen<'_>),
) -> Result<Report, AuditError> {
    let files = file::files(dir).map_err(AuditError::at(dir))?;
    let mut walk = Walk::new(keys, heads, files.first().copied().unwrap_or(0));
    for (nth, first) in files.iter().enumerate() {
        let rest = files.get(nth + 1..).unwrap_or_default();
        walk.file(dir, *first, rest, sink)?;
        if walk.report.fault.is_some() {
            return Ok(walk.report);
        }
    }
    walk.end(from);
    Ok(walk.report)
}

pub(super) struct Walk<'k> {
    keys: Option<&'k dyn Keys>,
    heads: &'k [Tip],
    newest_head: u64,
    /// The newest group recorded.
    group: Option<u64>,
    pub(super) report: Report,
    /// The first record says that the log begins anew.
    began_anew: bool,
    /// The group at which a database stood when the first record was made.
    forgotten: Option<u64>,
}

impl<'k> Walk<'k> {
    pub(super) fn new(keys: Option<&'k dyn Keys>, heads: &'k [Tip], first: u64) -> Self {
        let report = Report { first, tip: Tip::START, files: 0, groups: 0, fault: None, notes: Vec::new() };
        let newest_head = heads.iter().map(|head| head.number).max().unwrap_or(0);
        Self { keys, heads, newest_head, group: None, report, began_anew: false, forgotten: None }
    }
}

impl Walk<'_> {
    fn file(
        &mut self,
        dir: &Path,
        first: u64,
        later: &[u64],
        sink: &mut dyn FnMut(&Seen<'_>),
    ) -> Result<(), AuditError> {
        let path = dir.join(file_name(first));
        let bytes = std::fs::read(&path).map_err(AuditError::at(&path))?;
        self.bytes(&bytes, &path, first, later, sink);
        Ok(())
    }

    /// The bytes of a file, which is called after its first record.
    pub(super) fn bytes(
        &mut self,
        bytes: &[u8],
        path: &Path,
        first: u64,
        later: &[u64],
        sink: &mut dyn FnMut(&Seen<'_>),
    ) {
        let name = file_name(first);
        let is_first = self.report.files == 0;
        self.report.files += 1;
        let expected = self.report.tip.number.saturating_add(1);
        let record = if is_first { first } else { expected };
        let Some((before, records)) = file::open(bytes) else {
            self.report.fault = Some(Fault::Changed { record, file: name });
            return;
        };
        let begins_at = before.number.saturating_add(1);
        if !is_first && begins_at > expected {
            self.report.fault = Some(Fault::Removed { record: expected, next: begins_at, file: name });
            return;
        }
        if begins_at != first || (!is_first && before != self.report.tip) {
            self.report.fault = Some(Fault::Changed { record, file: name });
            return;
        }
        self.report.tip = before;
        let mut reader = Reader::new(before, records);
        loop {
            match reader.step(self.keys) {
                Step::End => return,
                Step::Record { record, is_checked } => {
                    self.report.tip = record.tip();
                    let event = Event::decode(record.event);
                    self.record(&record, event.as_ref(), is_checked);
                    if self.report.fault.is_some() {
                        return;
                    }
                    sink(&Seen { record, event, file: path });
                }
                Step::Broken(why) => {
                    self.broken(why, &reader, path.parent().unwrap_or(path), later, name);
                    return;
                }
            }
        }
    }

    fn record(&mut self, record: &Record<'_>, event: Option<&Event>, is_checked: bool) {
        let other = |head: &Tip| head.number == record.number && head.link != *record.link;
        if self.heads.iter().any(other) {
            self.report.fault = Some(Fault::Rewritten { record: record.number });
            return;
        }
        if self.keys.is_some() && !is_checked {
            match self.report.notes.last_mut() {
                Some(Note::Unkeyed { first, count }) if *first + *count == record.number => *count += 1,
                _ => self.report.notes.push(Note::Unkeyed { first: record.number, count: 1 }),
            }
        }
        match event {
            Some(Event::Started(started)) => {
                let (known, group) = (self.group, started.stand.group);
                if record.number == 1 && group > 0 {
                    self.forgotten = Some(group);
                }
                if let Some(from) = known.filter(|known| *known > group) {
                    self.report.notes.push(Note::WentBack { record: record.number, from, to: group });
                }
                if started.after_crash {
                    let first = known.map_or(group, |known| known).saturating_add(1);
                    self.report.notes.push(Note::Crash { record: record.number, first, last: group });
                }
                self.group = Some(group);
            }
            Some(Event::Groups(groups)) => {
                let count = u64::try_from(groups.macs.len() / 32).unwrap_or(u64::MAX);
                self.report.groups += count;
                self.group = Some(groups.first.saturating_add(count).saturating_sub(1));
            }
            Some(Event::Covered(groups)) => self.group = Some(groups.last),
            Some(Event::Accepted(accepted)) => {
                self.began_anew |= record.number == self.report.first;
                self.report.notes.push(Note::Accepted {
                    record: record.number,
                    found: accepted.found,
                    head: accepted.head,
                    reason: accepted.reason.clone(),
                });
            }
            _ => {}
        }
    }

    /// Says what is wrong where the next record should be.
    fn broken(&mut self, why: Break, reader: &Reader<'_>, dir: &Path, later: &[u64], file: String) {
        let record = reader.tip.number.saturating_add(1);
        if later.is_empty() && self.may_be_torn(why, reader, record) {
            let bytes = reader.rest().iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
            self.report.notes.push(Note::Torn { after: reader.tip.number, bytes });
            return;
        }
        self.report.fault = Some(match why {
            Break::Form | Break::Link | Break::Mac => Fault::Changed { record, file },
            Break::Number(again) if again < record => Fault::Repeated { record, again, file },
            Break::Number(next)
                if reader.has_ahead(record) || later.iter().any(|first| holds(dir, *first, record)) =>
            {
                Fault::Reordered { record, next, file }
            }
            Break::Number(next) => Fault::Removed { record, next, file },
        });
    }

    /// A crash in the middle of a write leaves anything behind what the head remembers.
    /// Without a head nobody knows what it remembered: then only a single record at the
    /// very end may be torn.
    fn may_be_torn(&self, why: Break, reader: &Reader<'_>, record: u64) -> bool {
        if !self.heads.is_empty() {
            return record > self.newest_head;
        }
        !matches!(why, Break::Number(_)) && !reader.has_ahead(record.saturating_add(1))
    }

    /// Checks beginning and end, once all in between is good.
    pub(super) fn end(&mut self, from: Option<u64>) {
        let Report { first, tip, files, .. } = self.report;
        let (head, expected) = (self.newest_head, from.unwrap_or(1));
        if files == 0 {
            self.report.fault = Some(Fault::Missing);
        } else if first != expected && !self.began_anew {
            self.report.fault = Some(Fault::BeginsLate { first, expected });
        } else if let Some(group) = self.forgotten.filter(|_| from.is_none()) {
            self.report.fault = Some(Fault::Forgotten { group });
        } else if tip.number < head {
            self.report.fault = Some(Fault::CutOff { record: tip.number.saturating_add(1), head });
        }
    }
}

/// Whether a file has a record of this number anywhere.
fn holds(dir: &Path, first: u64, record: u64) -> bool {
    let bytes = std::fs::read(dir.join(file_name(first))).unwrap_or_default();
    file::open(&bytes).is_some_and(|(before, records)| Reader::new(before, records).has_ahead(record))
}
