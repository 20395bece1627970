//! `tally backup`: everything, while the daemon serves, in one encrypted file.

mod create;
mod restore;
mod verify;

use std::fs::File;
use std::path::Path;

use tallystick::daemon::backup::{About, BackupError, Item, Reader};
use tallystick::keys::read_passphrase;
use tallystick::secmem::Region;

use crate::arguments::backup::BackupTask;
use crate::output::{Failure, Output};
use crate::progress::{Interrupt, Progress};

/// Slots of locked memory: the key of the backup.
const SLOTS: usize = 8;

/// Does what was asked.
pub fn run(task: &BackupTask, output: &Output) -> Result<(), Failure> {
    match task {
        BackupTask::Create { at, out, backup_passphrase_file } => {
            create::run(&at.dir, out, backup_passphrase_file, output)
        }
        BackupTask::Verify { file, backup_passphrase_file } => {
            verify::run(file, backup_passphrase_file, output)
        }
        BackupTask::Restore { dir, file, backup_passphrase_file } => {
            restore::run(&dir.dir, file, backup_passphrase_file, output)
        }
    }
}

/// Hands every part of a backup to `sink`, in order; what it holds, if all of it is
/// good. Before that nothing of it may be relied on.
fn read(
    path: &Path,
    passphrase_file: &Path,
    output: Output,
    mut sink: impl FnMut(Item) -> Result<(), Failure>,
) -> Result<About, Failure> {
    let interrupt = Interrupt::watch()?;
    let told = |error: BackupError| Failure::new(format!("{}: {error}", path.display()));
    let passphrase = read_passphrase(passphrase_file)?;
    let file = File::open(path).map_err(|error| told(error.into()))?;
    let total = file.metadata()?.len();
    let mut reader = Reader::new(file, &Region::new(SLOTS)?, &passphrase).map_err(told)?;
    let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
    let mut progress = Progress::begin(output, "MiB read", 0, mebibytes(total));
    let mut about = None;
    while let Some(item) = reader.next_item().map_err(told)? {
        match item {
            Item::About(said) => about = Some(said),
            item => sink(item)?,
        }
        progress.at(mebibytes(reader.position()), mebibytes(total));
        if interrupt.is_asked() {
            progress.end();
            return Err(Failure::interrupted("interrupted; nothing is left of it"));
        }
    }
    progress.end();
    about.ok_or_else(|| told(BackupError::Form("its description is missing")))
}
