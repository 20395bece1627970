//! A log of one file in memory, as fuzzing makes and reads it.

use std::path::Path;

use super::reader::{Reader, Step};
use super::verify::Walk;
use super::{Event, Keys, Record, Report, Tip, file, file_name, record};
use crate::types::UnixTime;

/// The records of a file whose chain is whole, as many as there are. None if it has no
/// header.
pub(crate) fn walk(bytes: &[u8]) -> Option<Vec<Record<'_>>> {
    let (before, records) = file::open(bytes)?;
    let (mut reader, mut found) = (Reader::new(before, records), Vec::new());
    while let Step::Record { record, .. } = reader.step(None) {
        found.push(record);
    }
    Some(found)
}

/// A file of events behind `before`, and the tip of its chain.
pub(crate) fn chain(keys: &dyn Keys, before: Tip, time: UnixTime, events: &[Event]) -> (Vec<u8>, Tip) {
    let (mut bytes, mut tip) = (file::header(&before).to_vec(), before);
    for event in events {
        let Some((record, next)) = record::seal(keys, &tip, time, event) else { break };
        bytes.extend_from_slice(&record);
        tip = next;
    }
    (bytes, tip)
}

/// As [`verify`](super::verify), of a log that is one file, beginning with the record
/// `first`.
pub(crate) fn verify(bytes: &[u8], first: u64, keys: Option<&dyn Keys>, heads: &[Tip]) -> Report {
    let mut walk = Walk::new(keys, heads, first);
    walk.bytes(bytes, Path::new(&file_name(first)), first, &[], &mut |_| ());
    if walk.report.fault.is_none() {
        walk.end(Some(first));
    }
    walk.report
}
