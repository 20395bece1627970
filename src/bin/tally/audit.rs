//! `tally audit`: the audit log, checked, exported, and begun anew after damage.

mod accept;
mod export;
mod source;
mod verify;

use std::path::Path;
use std::sync::Arc;

use tallystick::audit::{AtRest, Event};
use tallystick::daemon::audit::Book;
use tallystick::daemon::config::Config;
use tallystick::daemon::paths;
use tallystick::keys::OpenKeyring;

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
    let config = Config::read(&paths::config(dir))?;
    let keyring = Arc::new(keys.load()?);
    let mut book = Book::open(&config.audit, dir, &keyring)?;
    let uid = rustix::process::getuid().as_raw();
    Ok(book.write(&Event::AtRest(AtRest { uid, operation: operation.to_owned(), detail }))?)
}
