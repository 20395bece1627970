//! `tally backup restore`.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::json;
use tallystick::daemon::backup::Item;
use tallystick::daemon::paths;
use tallystick::secmem::harden;
use tallystick::store::Import;

use super::read;
use crate::output::{Failure, Output};

/// Makes a state directory under another name, which it gets when it is whole.
pub fn run(dir: &Path, file: &Path, passphrase_file: &Path, output: &Output) -> Result<(), Failure> {
    harden()?;
    if fs::exists(dir)? && fs::read_dir(dir)?.next().is_some() {
        return Err(Failure::new(format!("{}: it is not empty; nothing is overwritten", dir.display())));
    }
    let absolute = std::path::absolute(dir)?;
    let above = absolute.parent().unwrap_or(Path::new("/"));
    let new = tempfile::Builder::new().prefix(".tally-restore-").tempdir_in(above)?;
    // As `tempfile` makes it: for its owner alone. The parts lie in one more directory,
    // whose name is changed.
    let parts = new.path().join("parts");
    DirBuilder::new().mode(0o700).create(&parts)?;
    let mut import = Some(Import::begin(&paths::store(&parts))?);
    let about = read(file, passphrase_file, *output, |item| {
        match item {
            Item::Keyring(bytes) => write_new(&paths::keyring(&parts), &bytes)?,
            Item::Config(bytes) => write_new(&paths::config(&parts), &bytes)?,
            Item::Rows(piece) => import.as_mut().map_or(Ok(()), |import| import.take(&piece))?,
            Item::About(_) | Item::End(_) => {}
        }
        Ok(())
    })?;
    let rows = import.take().map_or(Ok(0), Import::finish)?;
    for part in [paths::keyring(&parts), paths::config(&parts)] {
        if !fs::exists(&part)? {
            return Err(Failure::new(format!("{}: a part of it is missing", file.display())));
        }
    }
    File::open(&parts)?.sync_all()?;
    // An empty directory gives way.
    fs::rename(&parts, &absolute).map_err(|error| Failure::new(format!("{}: {error}", dir.display())))?;
    File::open(above)?.sync_all()?;
    output.item(
        || json!({"ok": true, "dir": dir, "rows": rows, "group": about.group, "epoch": about.epoch}),
        || {
            Some(format!(
                "restored       {rows} rows as of group {} to {}\n\
                 Now: tally restore --dir {} --passphrase-file FILE",
                about.group,
                dir.display(),
                dir.display()
            ))
        },
    );
    Ok(())
}

fn write_new(path: &PathBuf, bytes: &[u8]) -> Result<(), Failure> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    Ok(file.sync_all()?)
}
