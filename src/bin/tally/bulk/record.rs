//! The record of a job: the file of tokens, a line for each card in their order.
//! What stands in it whole is done; it is how an interrupted job goes on.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use tallystick::account::mask_last_four;
use tallystick::cards::{Done, RecordError, Reject, SAVED, read_record};
use tallystick::command::TokenView;

use super::job::Job;
use crate::output::Failure;

const COLUMNS: &str = "line,status,token,token_expiry,par,fingerprint,card,says";

/// A file of tokens, open and locked.
pub struct Record {
    file: File,
    name: String,
    head: String,
    /// Bytes of whole lines when it was opened.
    whole: u64,
    /// The last line of the file of cards that was done when this was opened, or 0.
    pub begins_after: u64,
    /// Cards saved.
    pub saved: u64,
    /// Lines rejected.
    pub rejected: u64,
}

impl Record {
    /// Opens the record of a job and reads it. Nothing is written yet.
    pub fn open(path: &Path, job: &Job) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let told = |error: std::io::Error| Failure::new(format!("{name}: {error}"));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(path).map_err(told)?;
        file.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Failure::new(format!("{name} is being written by another process")),
            TryLockError::Error(error) => told(error),
        })?;
        let head = format!("# tally provision 1 {}\n{COLUMNS}\n", job.name());
        let done = read_record(BufReader::new(&file), &head).map_err(|error| refused(&name, &error))?;
        let Done { whole, last, saved, rejected } = done;
        Ok(Self { file, name, head, whole, begins_after: last, saved, rejected })
    }

    /// Makes it ready to be appended to: a line that was not written whole is cut
    /// off, and a new one gets its head.
    pub fn begin(&mut self) -> Result<(), Failure> {
        let whole = SeekFrom::Start(self.whole);
        let cut = self.file.set_len(self.whole).and_then(|()| self.file.seek(whole));
        cut.map_err(|error| self.failed(&error))?;
        if self.whole == 0 { self.append(&self.head.clone()) } else { Ok(()) }
    }

    /// How long ago it was written last, before it [began](Self::begin) again.
    pub fn age(&self) -> Duration {
        let written = self.file.metadata().and_then(|metadata| metadata.modified());
        written.ok().and_then(|written| written.elapsed().ok()).unwrap_or_default()
    }

    /// Appends whole lines.
    pub fn append(&mut self, lines: &str) -> Result<(), Failure> {
        self.file.write_all(lines.as_bytes()).map_err(|error| self.failed(&error))
    }

    /// Makes it durable.
    pub fn sync(&self) -> Result<(), Failure> {
        self.file.sync_all().map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &std::io::Error) -> Failure {
        Failure::new(format!("{}: {error}", self.name))
    }
}

fn refused(name: &str, error: &RecordError) -> Failure {
    Failure::new(match error {
        RecordError::Io(error) => format!("{name}: {error}"),
        RecordError::Other => format!(
            "{name} is no record of this file of cards with these options at this daemon: the file was changed, \
             the options are others, or it is another file; it is not overwritten"
        ),
        RecordError::Damaged(line) => format!("{name} is damaged behind the card of line {line}"),
    })
}

/// Appends the row of a saved card.
pub fn put_saved(out: &mut String, line: u64, view: &TokenView) {
    let (par, card) = (quoted(view.par.as_str()), mask_last_four(view.card_last_four, view.pan_length));
    let (token, expiry, fingerprint) = (view.token, view.expiry, view.fingerprint.to_hex());
    *out += &format!("{line},{SAVED},{token},{expiry},{par},{fingerprint},{card},\n");
}

/// Appends the row of a rejected line.
pub fn put_rejected(out: &mut String, line: u64, reject: &Reject) {
    *out += &format!("{line},{},,,,,,{}\n", reject.status, quoted(&reject.says));
}

/// A field as RFC 4180 wants it.
fn quoted(field: &str) -> String {
    if field.contains([',', '"']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}
