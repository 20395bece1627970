//! The files of a log: their names, and what stands before their records.
//!
//! 64 bytes: "tallyaud" (8), format 1 (1), zeros (7), number of the first record
//! (8), link of the record before it (32), zeros (8). Both are repeated by what
//! comes before and covered by what comes after, so the header needs no MAC.

use std::io::{ErrorKind, Result};
use std::path::Path;

use super::{Link, Tip};

/// Bytes before the first record.
pub(super) const HEADER: usize = 64;

/// What the name of a file of records ends with; before it stands the number of its
/// first record, 20 digits.
pub const SUFFIX: &str = ".audit";

/// The name of the file whose room is taken ahead.
pub const RESERVED: &str = "reserved";

const MAGIC: &[u8; 8] = b"tallyaud";
const FORMAT: u8 = 1;

/// The name of the file that begins with a record.
#[must_use]
pub fn file_name(first: u64) -> String {
    format!("{first:020}{SUFFIX}")
}

/// The first records of the files in a directory, ascending; none if there is no
/// directory.
///
/// # Errors
/// What the system says.
pub fn files(dir: &Path) -> Result<Vec<u64>> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
        found
            .extend(number.filter(|digits| digits.len() == 20).and_then(|digits| digits.parse::<u64>().ok()));
    }
    found.sort_unstable();
    Ok(found)
}

/// The header of a file whose records come behind `before`.
pub(super) fn header(before: &Tip) -> [u8; HEADER] {
    let fields = MAGIC
        .iter()
        .copied()
        .chain([FORMAT, 0, 0, 0, 0, 0, 0, 0])
        .chain(before.number.saturating_add(1).to_be_bytes())
        .chain(before.link);
    let mut bytes = [0; HEADER];
    bytes.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
    bytes
}

/// What the records of a file come behind, and the bytes of the records. None if
/// they have no header.
pub(super) fn open(bytes: &[u8]) -> Option<(Tip, &[u8])> {
    let (found, records) = bytes.split_first_chunk::<HEADER>()?;
    let [_, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, a, b, c, d, e, f, g, h, rest @ ..] = found;
    let link: &Link = rest.first_chunk()?;
    let first = u64::from_be_bytes([*a, *b, *c, *d, *e, *f, *g, *h]);
    let before = Tip { number: first.checked_sub(1)?, link: *link };
    (header(&before) == *found).then_some((before, records))
}
