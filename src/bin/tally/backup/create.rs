//! `tally backup create`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tallystick::client::{Client, ClientError};
use tallystick::crypto::{PassphraseCost, SystemRandom};
use tallystick::daemon::SERVER;
use tallystick::daemon::backup::{About, Item, Writer};
use tallystick::daemon::paths;
use tallystick::keys::read_passphrase;
use tallystick::secmem::{Region, harden};
use tallystick::types::UnixTime;
use tallystick::wire::{BackupBegun, Status};

use super::SLOTS;
use crate::ask::{connect_admin, refused};
use crate::output::{Failure, Output};
use crate::progress::{Interrupt, Progress};

/// Another backup that is just ending is waited for.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(20);

/// Writes the file under another name, which it gets when it is whole.
pub fn run(dir: &Path, out: &Path, passphrase_file: &Path, output: &Output) -> Result<(), Failure> {
    harden()?;
    let interrupt = Interrupt::watch()?;
    let told = |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", out.display()));
    if std::fs::exists(out)? {
        return Err(told(&"it exists; it is not overwritten"));
    }
    let passphrase = read_passphrase(passphrase_file)?;
    let region = Region::new(SLOTS)?;
    let mut client = connect_admin(dir)?;
    let folder = out.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let new = tempfile::Builder::new().prefix(".tally-backup-").tempfile_in(folder);
    let new = new.map_err(|error| told(&error))?;
    let buffered = BufWriter::with_capacity(1 << 20, new.as_file());
    let cost = PassphraseCost::RECOMMENDED;
    let mut writer = Writer::new(buffered, &region, &SystemRandom, &passphrase, cost)?;
    let begun = begin(&mut client)?;
    // Behind the beginning, so that no key is missing that anything in it is under.
    for item in head(dir, &begun)? {
        writer.add(&item)?;
    }
    let rows = take(&mut client, &begun, &interrupt, *output, |piece| Ok(writer.add(&Item::Rows(piece))?))?;
    writer.add(&Item::End(rows))?;
    writer.finish()?.flush()?;
    new.as_file().sync_all().map_err(|error| told(&error))?;
    new.persist_noclobber(out).map_err(|error| told(&error.error))?;
    File::open(folder)?.sync_all()?;
    output.item(
        || json!({"ok": true, "file": out, "epoch": begun.epoch, "group": begun.group, "bytes": rows}),
        || {
            let (out, group) = (out.display(), begun.group);
            Some(format!("backup         {out}, all up to group {group}, {rows} bytes of rows"))
        },
    );
    Ok(())
}

fn begin(client: &mut Client<UnixStream>) -> Result<BackupBegun, Failure> {
    let mut tries = 0;
    loop {
        match client.backup_begin() {
            Err(ClientError::Refused(Status::Busy, _)) if tries < TRIES => {
                tries += 1;
                std::thread::sleep(PAUSE);
            }
            answer => return answer.map_err(|error| refused(&error)),
        }
    }
}

/// What stands before the rows.
fn head(dir: &Path, begun: &BackupBegun) -> Result<[Item; 3], Failure> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    };
    let about = About {
        server: SERVER.to_owned(),
        time: UnixTime::from_system_clock().seconds(),
        epoch: begun.epoch,
        group: begun.group,
    };
    let (keyring, config) = (read(&paths::keyring(dir))?, read(&paths::config(dir))?);
    Ok([Item::About(about), Item::Keyring(keyring), Item::Config(config)])
}

/// Takes every piece; how many bytes they had.
fn take(
    client: &mut Client<UnixStream>,
    begun: &BackupBegun,
    interrupt: &Interrupt,
    output: Output,
    mut sink: impl FnMut(Vec<u8>) -> Result<(), Failure>,
) -> Result<u64, Failure> {
    let mebibytes = |bytes: u64| bytes.div_ceil(1 << 20);
    let mut progress = Progress::begin(output, "MiB backed up", 0, mebibytes(begun.bytes));
    let mut bytes = 0;
    while let Some(piece) = client.backup_next().map_err(|error| refused(&error))? {
        bytes += u64::try_from(piece.len()).unwrap_or(0);
        sink(piece)?;
        progress.at(mebibytes(bytes), mebibytes(begun.bytes.max(bytes)));
        if interrupt.is_asked() {
            progress.end();
            return Err(Failure::interrupted("interrupted; no backup was made"));
        }
    }
    progress.at(mebibytes(bytes), mebibytes(bytes));
    progress.end();
    Ok(bytes)
}
