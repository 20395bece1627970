//! Opening a log to go on with it.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::disk::{Disk, Reserved};
use super::file::{self, HEADER, RESERVED, file_name, header};
use super::log::length;
use super::reader::{Reader, Step};
use super::{AuditError, Event, Head, Keys, Log, Tip};

/// A log that was opened, and what was found of it.
#[derive(Debug)]
pub struct Opened {
    /// The log.
    pub log: Log,
    /// Its last record says that whoever wrote it stopped in order.
    pub is_ended: bool,
    /// Bytes behind its last record that a crash had left; they are gone.
    pub dropped: u64,
}

/// What the newest file holds.
struct Newest {
    file: Box<dyn Reserved>,
    at: u64,
    end: u64,
    tip: Tip,
    is_ended: bool,
    dropped: u64,
}

/// Opens the log in a directory, or begins one behind `begin`, in files of `bytes`.
/// `head` is the newest that any place remembers of it; none, if none ever did.
///
/// Only what stands behind the record of the head may be unreadable: a crash can
/// have left it, and it goes. Files before the newest are not read but for that
/// record; that is for [`verify`](super::verify).
///
/// # Errors
/// [`AuditError`].
pub fn open(
    disk: Box<dyn Disk>,
    dir: &Path,
    bytes: u64,
    keys: &dyn Keys,
    head: Option<Head>,
    begin: Tip,
) -> Result<Opened, AuditError> {
    let files = file::files(dir).map_err(AuditError::at(dir))?;
    let newest = match (files.last(), head) {
        (None, Some(Head(head))) if head.number > begin.number => {
            return Err(AuditError::Missing(head.number));
        }
        (None, _) => create(&*disk, dir, bytes, &begin)?,
        (Some(_), None) => return Err(AuditError::Headless),
        (Some(_), Some(Head(head))) => {
            let from = files.iter().rposition(|first| *first <= head.number).unwrap_or(0);
            find_end(&*disk, dir, &files, from, keys, head)?
        }
    };
    let Newest { file, at, end, tip, is_ended, dropped } = newest;
    let mut log = Log {
        dir: dir.to_owned(),
        disk,
        bytes,
        file,
        at,
        end,
        next: None,
        tip,
        durable: tip,
        pending: VecDeque::new(),
    };
    // Room is nothing that a start depends on: the newest file has some.
    let _ = log.reserve();
    Ok(Opened { log, is_ended, dropped })
}

/// Makes the directory of a log if it is not there.
///
/// # Errors
/// What the system says.
pub fn make_dir(dir: &Path) -> std::io::Result<()> {
    match DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn create(disk: &dyn Disk, dir: &Path, bytes: u64, begin: &Tip) -> Result<Newest, AuditError> {
    make_dir(dir).map_err(AuditError::at(dir))?;
    let first = begin.number.checked_add(1).ok_or(AuditError::Exhausted)?;
    let (new, path) = (dir.join(RESERVED), dir.join(file_name(first)));
    let file = disk.reserve(&new, bytes).map_err(AuditError::at(&new))?;
    file.write(&header(begin), 0).map_err(AuditError::at(&new))?;
    disk.rename(&new, &path).map_err(AuditError::at(&path))?;
    // The directory is new too.
    if let Some(above) = dir.parent() {
        let synced = fs::File::open(if above == Path::new("") { Path::new(".") } else { above });
        synced.and_then(|above| above.sync_all()).map_err(AuditError::at(above))?;
    }
    Ok(Newest { file, at: length(&[0; HEADER]), end: bytes, tip: *begin, is_ended: true, dropped: 0 })
}

/// Reads from the file that holds the head's record on to the end.
fn find_end(
    disk: &dyn Disk,
    dir: &Path,
    files: &[u64],
    from: usize,
    keys: &dyn Keys,
    head: Tip,
) -> Result<Newest, AuditError> {
    let (mut before, mut newest, mut is_ended) = (None::<Tip>, None, None);
    for first in files.get(from..).unwrap_or_default() {
        let path = dir.join(file_name(*first));
        let bytes = fs::read(&path).map_err(AuditError::at(&path))?;
        let (tip, records) = file::open(&bytes).ok_or(AuditError::Changed(*first))?;
        if before.is_some_and(|before| before != tip) || tip.number.checked_add(1) != Some(*first) {
            return Err(AuditError::Changed(before.map_or(*first, |before| before.number.saturating_add(1))));
        }
        let is_newest = files.last() == Some(first);
        let (tip, rest) = walk(tip, records, keys, head, is_newest, &mut is_ended)?;
        before = Some(tip);
        newest = is_newest.then_some((path, length(&bytes), rest));
    }
    if let (None, Some(earlier)) = (is_ended, from.checked_sub(1)) {
        // Nothing here says how the last daemon ended.
        return find_end(disk, dir, files, earlier, keys, head);
    }
    let (Some((path, len, rest)), Some(tip)) = (newest, before) else {
        return Err(AuditError::Missing(head.number));
    };
    if tip.number < head.number {
        return Err(AuditError::CutOff { last: tip.number, head: head.number });
    }
    let (file, end) = disk.open(&path).map_err(AuditError::at(&path))?;
    let at = len.saturating_sub(length(&rest));
    let dropped = rest.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
    if let Some(torn) = rest.get(..dropped).filter(|torn| !torn.is_empty()) {
        file.write(&vec![0; torn.len()], at).map_err(AuditError::at(&path))?;
    }
    let dropped = u64::try_from(dropped).unwrap_or(u64::MAX);
    Ok(Newest { file, at, end, tip, is_ended: is_ended.unwrap_or(true), dropped })
}

/// Reads a file's records: its last, and what is left behind it.
fn walk(
    tip: Tip,
    records: &[u8],
    keys: &dyn Keys,
    head: Tip,
    is_newest: bool,
    is_ended: &mut Option<bool>,
) -> Result<(Tip, Vec<u8>), AuditError> {
    let mut reader = Reader::new(tip, records);
    loop {
        match reader.step(Some(keys)) {
            Step::Record { record, .. } => {
                if record.number == head.number && *record.link != head.link {
                    return Err(AuditError::Changed(record.number));
                }
                // What is not known here is no end.
                let is_end = Event::decode(record.event).map_or(Some(false), |event| event.is_an_end());
                *is_ended = is_end.or(*is_ended);
            }
            Step::End => break,
            // Behind the head a crash in the middle of a write may have left anything.
            Step::Broken(_) if is_newest && reader.tip.number >= head.number => {
                break;
            }
            Step::Broken(_) => return Err(AuditError::Changed(reader.tip.number.saturating_add(1))),
        }
    }
    Ok((reader.tip, reader.rest().to_vec()))
}
