//! `tally audit`: the audit log, checked, exported, and begun anew after damage.

mod accept;
mod export;
mod source;
mod verify;

use std::path::Path;
use std::sync::Arc;

use tallystick::audit::{AtRest, Event, Tip};
use tallystick::daemon::DaemonError;
use tallystick::daemon::audit::Book;
use tallystick::daemon::config::Config;
use tallystick::daemon::paths;
use tallystick::keys::OpenKeyring;
use tallystick::store::{GroupNumber, SqliteStore};

use crate::arguments::audit::AuditTask;
use crate::output::{Failure, Output};

/// Does what was asked of the log.
pub fn run(task: &AuditTask, output: &Output) -> Result<(), Failure> {
    match task {
        AuditTask::Verify(arguments) => verify::run(arguments, output),
        AuditTask::Export(arguments) => export::run(arguments),
        AuditTask::Accept { dir, opener } => accept::run(&dir.dir, opener, output),
    }
}

/// Records something that is about to be done while no daemon runs. The caller holds
/// the lock of the database.
pub fn record(dir: &Path, keys: &OpenKeyring, operation: &str, detail: String) -> Result<(), Failure> {
    let config = Config::read(&paths::config(dir))?.audit;
    let keyring = Arc::new(keys.load_native()?);
    write(Book::open(&config, dir, &keyring, || newest_group(dir))?, operation, detail)
}

/// Records that a database is restored. There may be no log: then it begins with this
/// record, which says so.
pub fn record_restore(dir: &Path, keys: &OpenKeyring, mut detail: String) -> Result<(), Failure> {
    let config = Config::read(&paths::config(dir))?.audit;
    if Book::is_new(&config, dir)? {
        detail += "; there was no audit log, and this one begins here";
    }
    let keyring = Arc::new(keys.load_native()?);
    write(Book::open_behind(&config, dir, &keyring, Tip::START)?, "restore", detail)
}

/// The last group of the database, of which the caller holds the lock.
fn newest_group(dir: &Path) -> Result<GroupNumber, DaemonError> {
    Ok(SqliteStore::newest_group(&paths::store(dir))?)
}

fn write(mut book: Book, operation: &str, detail: String) -> Result<(), Failure> {
    let uid = rustix::process::getuid().as_raw();
    Ok(book.write(&Event::AtRest(AtRest { uid, operation: operation.to_owned(), detail }))?)
}
