//! Bringing a copy of a database to its place; interrupted, it goes on where it was.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Result, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use tallystick::store::StoreLock;

use crate::output::{Failure, Output};
use crate::progress::{Interrupt, Progress};

const MIB: usize = 1 << 20;

/// Puts a copy in the database's place, which is kept under another name. Its lock is
/// held.
pub fn bring(
    from: &Path,
    _held: &StoreLock,
    store: &Path,
    output: Output,
) -> std::result::Result<(), Failure> {
    let told = |path: &Path| {
        let path = path.display().to_string();
        move |error: std::io::Error| Failure::new(format!("{path}: {error}"))
    };
    let new = beside(store, "-restoring");
    if !copy(from, &new, output).map_err(told(from))? {
        return Err(Failure::interrupted("the same command goes on where it was; nothing is changed yet"));
    }
    // A copy of a daemon that was killed has a log beside it.
    let log = beside(from, "-wal");
    let new_log = beside(&new, "-wal");
    remove(&new_log).map_err(told(&new_log))?;
    if fs::exists(&log).map_err(told(&log))? && !copy(&log, &new_log, output).map_err(told(&log))? {
        return Err(Failure::interrupted("the same command goes on where it was; nothing is changed yet"));
    }
    swap(&new, store).map_err(told(store))
}

/// Copies a file, what is there of it already but compared. False if interrupted.
fn copy(from: &Path, to: &Path, output: Output) -> Result<bool> {
    let interrupt = Interrupt::watch().map_err(|_| ErrorKind::Other)?;
    let mut source = File::open(from)?;
    let mut target =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(to)?;
    target.set_permissions(Permissions::from_mode(0o600))?;
    let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
    let total = mebibytes(source.metadata()?.len());
    let mut progress = Progress::begin(output, "MiB copied", 0, total);
    let (mut piece, mut there, mut at) = (vec![0; MIB], vec![0; MIB], 0_u64);
    loop {
        if interrupt.is_asked() {
            target.sync_all()?;
            progress.end();
            return Ok(false);
        }
        let count = fill(&mut source, &mut piece)?;
        let piece = piece.get(..count).unwrap_or_default();
        let known = fill(&mut target, &mut there)?;
        if there.get(..known) != Some(piece) {
            target.seek(SeekFrom::Start(at))?;
            target.set_len(at)?;
            target.write_all(piece)?;
        }
        at += u64::try_from(count).unwrap_or(0);
        progress.at(mebibytes(at), total);
        if count < MIB {
            target.set_len(at)?;
            target.sync_all()?;
            progress.end();
            return Ok(true);
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut File, buffer: &mut [u8]) -> Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// Gives the copy the database's name. The old one is kept, log and all, under a
/// name with the time.
fn swap(new: &Path, store: &Path) -> Result<()> {
    let seconds = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |age| age.as_secs());
    let old = beside(store, &format!("-replaced-{seconds}"));
    // The log first: without its database it is nothing to SQLite, but the old log
    // beside the new database would be replayed over it.
    for suffix in ["-wal", "-shm", ""] {
        rename_if_there(&beside(store, suffix), &beside(&old, suffix))?;
    }
    for suffix in ["-wal", ""] {
        rename_if_there(&beside(new, suffix), &beside(store, suffix))?;
    }
    File::open(store.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn rename_if_there(from: &Path, to: &Path) -> Result<()> {
    absent_is_fine(fs::rename(from, to))
}

fn remove(path: &Path) -> Result<()> {
    absent_is_fine(fs::remove_file(path))
}

fn absent_is_fine(result: Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}
