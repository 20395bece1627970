//! The record of a job: the file of tokens, a line for each card in their order.
//! What stands in it whole is done; it is how an interrupted job goes on.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use tallystick::account::mask_last_four;
use tallystick::cards::Reject;
use tallystick::command::TokenView;

use super::job::Job;
use crate::output::Failure;

const COLUMNS: &str = "line,status,token,token_expiry,par,fingerprint,card,says";
const SAVED: &str = "ok";

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
        let mut record = Self { file, name, head, whole: 0, begins_after: 0, saved: 0, rejected: 0 };
        record.whole = record.scan()?;
        Ok(record)
    }

    /// Makes it ready to be appended to: a line that was not written whole is cut
    /// off, and a new one gets its head.
    pub fn begin(&mut self) -> Result<(), Failure> {
        let whole = SeekFrom::Start(self.whole);
        let cut = self.file.set_len(self.whole).and_then(|()| self.file.seek(whole));
        cut.map_err(|error| self.failed(&error))?;
        if self.whole == 0 { self.append(&self.head.clone()) } else { Ok(()) }
    }

    /// Reads what is there; the length of what is whole.
    fn scan(&mut self) -> Result<u64, Failure> {
        let name = &self.name;
        let told = |error: std::io::Error| Failure::new(format!("{name}: {error}"));
        let (mut reader, mut whole, mut line) = (BufReader::new(&self.file), 0, Vec::new());
        let mut wanted = self.head.split_inclusive('\n');
        loop {
            line.clear();
            let len = reader.read_until(b'\n', &mut line).map_err(told)?;
            if !line.ends_with(b"\n") {
                let begun = wanted.next();
                // A head that was not written whole is nobody's file but ours.
                let ours = whole > 0 || begun.is_some_and(|head| head.as_bytes().starts_with(&line));
                return match begun {
                    _ if !ours => Err(other(name)),
                    Some(_) => Ok(0),
                    None => Ok(whole),
                };
            }
            match wanted.next() {
                Some(head) if head.as_bytes() == line => {}
                Some(_) => return Err(other(name)),
                None => {
                    let (number, saved) = read_row(&line)
                        .filter(|(number, _)| *number > self.begins_after)
                        .ok_or_else(|| {
                        Failure::new(format!(
                            "{name} is damaged behind the card of line {}",
                            self.begins_after
                        ))
                    })?;
                    self.begins_after = number;
                    *(if saved { &mut self.saved } else { &mut self.rejected }) += 1;
                }
            }
            whole += u64::try_from(len).unwrap_or(0);
        }
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

fn other(name: &str) -> Failure {
    Failure::new(format!(
        "{name} is no record of this file of cards with these options at this daemon: the file was changed, \
         the options are others, or it is another file; it is not overwritten"
    ))
}

/// The number of a row's line, and whether its card was saved.
fn read_row(row: &[u8]) -> Option<(u64, bool)> {
    let mut fields = std::str::from_utf8(row).ok()?.split(',');
    let number = fields.next()?.parse().ok()?;
    Some((number, fields.next()? == SAVED))
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
