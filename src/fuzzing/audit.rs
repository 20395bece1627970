//! The audit log: a file, a record, an event, a head; and chains that are made.

use super::keys::keyring;
use crate::audit::{Event, Head, Keys, Record, Tip, in_memory};
use crate::types::UnixTime;

/// The bytes as each of these. What is accepted of a chain is one: numbers without a
/// gap, each in its place. Then as events, each behind its length: a log of those is
/// whole, and with any one bit changed it is not.
pub fn audit(data: &[u8]) {
    if let Some(record) = Record::parse(data) {
        assert!(record.size() <= data.len(), "a record is longer than what it was read from");
        let _ = Event::decode(record.event);
    }
    let _ = Event::decode(data);
    if let Some(head) = data.first_chunk() {
        let _ = Head::from_bytes(None, head);
    }
    let found = in_memory::walk(data).unwrap_or_default();
    for pair in found.windows(2) {
        if let [one, two] = pair {
            assert!(one.number.checked_add(1) == Some(two.number), "a gap was not told");
            assert!(two.follows(one.link), "a link was not checked");
        }
    }
    assert!(found.iter().map(Record::size).sum::<usize>() <= data.len(), "more was read than there is");
    let Some(keyring) = keyring() else { return };
    if let Some((first, tip)) = found.first().zip(found.last().map(Record::tip)) {
        let _ = in_memory::verify(data, first.number, None, &[]);
        let _ = in_memory::verify(data, first.number, Some(&keyring.audit), &[tip]);
    }
    made(&keyring.audit, data);
}

/// A log of the events, behind a record of some number.
fn made(keys: &dyn Keys, data: &[u8]) {
    let Some(([number, at, bit], rest)) = data.split_first_chunk() else { return };
    let events: Vec<Event> = events(rest).collect();
    let before = Tip { number: u64::from(*number), link: [*number; 32] };
    let (mut log, tip) = in_memory::chain(keys, before, UnixTime::from_seconds(0), &events);
    let first = before.number.saturating_add(1);
    let report = in_memory::verify(&log, first, Some(keys), &[tip]);
    assert!(report.fault.is_none() && report.tip == tip, "a log that was written is none");
    let read = in_memory::walk(&log).unwrap_or_default();
    assert!(read.len() == events.len(), "a record of the log was not read");
    for (record, event) in read.iter().zip(&events) {
        assert!(Event::decode(record.event).as_ref() == Some(event), "an event came back as another");
    }
    if !events.is_empty() {
        let at = usize::from(*at) * 251 % log.len();
        if let Some(byte) = log.get_mut(at) {
            *byte ^= 1 << (bit % 8);
        }
        let report = in_memory::verify(&log, first, Some(keys), &[tip]);
        assert!(report.fault.is_some(), "a changed log was accepted");
    }
}

/// What decodes of a list of events, each behind its length in two bytes.
fn events(mut rest: &[u8]) -> impl Iterator<Item = Event> {
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
        let (event, after) = after.split_at_checked(length)?;
        rest = after;
        Some(Event::decode(event))
    })
    .flatten()
}
