//! The record with which an interrupted job of cards goes on.

use crate::cards::{Done, RecordError, SAVED, read_record};

/// As what the job writes.
const HEAD: &str = "# tally provision 1 0\nline,status\n";

/// The bytes as a record, and as its rows behind the head. What is whole of it says the
/// same when it is read alone; a row more is one more card done, and the same row again is
/// refused; cut anywhere, no more is done, and nothing that is whole is read otherwise.
pub fn resume(data: &[u8]) {
    check(data);
    check(&[HEAD.as_bytes(), data].concat());
}

fn check(record: &[u8]) {
    let Some(done) = read(record) else { return };
    let whole = usize::try_from(done.whole).ok().and_then(|whole| record.get(..whole));
    let Some(whole) = whole else {
        assert!(done.whole == 0, "more is whole than there is");
        return;
    };
    assert!(read(whole) == Some(done), "what is whole says something else alone");
    assert!(whole.is_empty() || whole.starts_with(HEAD.as_bytes()), "a record without its head was taken");
    let rows = whole.iter().filter(|byte| **byte == b'\n').count().saturating_sub(2);
    assert!(u64::try_from(rows).ok() == done.saved.checked_add(done.rejected), "a row was not counted");
    assert!(done.last >= done.saved + done.rejected, "two rows have one line");
    goes_on(whole, done);
    let mut newest = Done::default();
    for end in whole.len().saturating_sub(12)..whole.len() {
        let cut = whole.get(..end).and_then(read);
        assert!(cut.is_some_and(|cut| cut.last >= newest.last), "a record that was cut was refused");
        newest = cut.unwrap_or_default();
        assert!(newest.last <= done.last && newest.whole <= done.whole, "cut, it says that more is done");
    }
}

/// With a row as a job writes it.
fn goes_on(whole: &[u8], done: Done) {
    let Some(next) = done.last.checked_add(1) else { return };
    let head = if whole.is_empty() { HEAD.as_bytes() } else { whole };
    for (word, saved, rejected) in
        [(SAVED, done.saved + 1, done.rejected), ("bad", done.saved, done.rejected + 1)]
    {
        let row = format!("{next},{word},\n");
        let more = [head, row.as_bytes()].concat();
        let wanted = Done { whole: u64::try_from(more.len()).unwrap_or(0), last: next, saved, rejected };
        assert!(read(&more) == Some(wanted), "a row more is not a card more");
        let twice = [&more, row.as_bytes()].concat();
        let told = read_record(twice.as_slice(), HEAD);
        assert!(matches!(told, Err(RecordError::Damaged(line)) if line == next), "a row was taken twice");
    }
}

fn read(record: &[u8]) -> Option<Done> {
    read_record(record, HEAD).ok()
}
