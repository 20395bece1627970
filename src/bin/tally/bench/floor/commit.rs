//! What a commit group of one writes.

use std::path::Path;

use tallystick::store::{CounterMove, Group, GroupNumber, SqliteStore, Store, TokenSlot, journal};
use tallystick::types::Atc;

use crate::output::Failure;

/// Groups appended to find it out.
const GROUPS: u32 = 101;

/// Bytes that the store hands to the kernel for a group of one counter: the
/// median over some groups, counted by the kernel for this thread.
pub fn bytes_of_one(dir: &Path) -> Result<u64, Failure> {
    let dir = tempfile::TempDir::with_prefix_in("one-", dir)?;
    let mut store = SqliteStore::open(&dir.path().join("one.db"))?;
    let mut writes = Vec::new();
    for number in 1..=GROUPS {
        let atc = Atc::new(number).ok_or_else(|| Failure::new("a counter begins at one"))?;
        let issued = [CounterMove { slot: TokenSlot(0), atc }];
        let group = Group {
            number: GroupNumber(number.into()),
            epoch: store.epoch(),
            before: [0; 32],
            body: journal::encode(&issued, &[], journal::Standing::default()),
            mac: [0; 32],
            tokens: Vec::new(),
            records: Vec::new(),
            pages: Vec::new(),
            // The journal stays as long as it is, as it does in a daemon.
            keep_from: GroupNumber(number.saturating_sub(GROUPS / 2).into()),
        };
        let before = written()?;
        store.append(&group)?;
        writes.push(written()?.saturating_sub(before));
    }
    writes.sort_unstable();
    let median = writes.get(writes.len() / 2).copied().filter(|bytes| *bytes > 0);
    median.ok_or_else(|| Failure::new("a commit writes nothing"))
}

/// Bytes that this thread has handed to write calls.
fn written() -> Result<u64, Failure> {
    let text = std::fs::read_to_string("/proc/thread-self/io")?;
    let count = text.lines().find_map(|line| line.strip_prefix("wchar: ")?.parse().ok());
    count.ok_or_else(|| Failure::new("the kernel does not count what a thread writes"))
}
