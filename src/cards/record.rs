//! The record of a job that saves the cards of a file: a head, then a line for each card
//! in their order. What stands in it whole is done.

use std::io::BufRead;

use thiserror::Error;

/// What a row says of a card that was saved.
pub const SAVED: &str = "ok";

/// What is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Bytes of whole lines; none if not even the head is whole.
    pub whole: u64,
    /// The last line of the file of cards that was done, or 0.
    pub last: u64,
    /// Cards saved.
    pub saved: u64,
    /// Lines rejected.
    pub rejected: u64,
}

/// Why no job can go on with a record.
#[derive(Debug, Error)]
pub enum RecordError {
    /// What the system says.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// It begins with another head.
    #[error("it is the record of something else")]
    Other,
    /// A row cannot be read, or is not behind the one before it.
    #[error("it is damaged behind the card of line {0}")]
    Damaged(u64),
}

/// Reads the record of the job whose records begin with this head of whole lines.
///
/// # Errors
/// [`RecordError`].
pub fn read_record(mut source: impl BufRead, head: &str) -> Result<Done, RecordError> {
    let (mut done, mut line) = (Done::default(), Vec::new());
    let mut wanted = head.split_inclusive('\n');
    loop {
        line.clear();
        let len = source.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            let begun = wanted.next();
            // A head that was not written whole is nobody's file but ours.
            let ours = done.whole > 0 || begun.is_some_and(|head| head.as_bytes().starts_with(&line));
            return match begun {
                _ if !ours => Err(RecordError::Other),
                Some(_) => Ok(Done::default()),
                None => Ok(done),
            };
        }
        match wanted.next() {
            Some(head) if head.as_bytes() == line => {}
            Some(_) => return Err(RecordError::Other),
            None => {
                let row = read_row(&line).filter(|(number, _)| *number > done.last);
                let (number, is_saved) = row.ok_or(RecordError::Damaged(done.last))?;
                done.last = number;
                *(if is_saved { &mut done.saved } else { &mut done.rejected }) += 1;
            }
        }
        done.whole += u64::try_from(len).unwrap_or(0);
    }
}

/// The number of a row's line, and whether its card was saved.
fn read_row(row: &[u8]) -> Option<(u64, bool)> {
    let mut fields = std::str::from_utf8(row).ok()?.split(',');
    let number = fields.next()?.parse().ok()?;
    Some((number, fields.next()? == SAVED))
}
