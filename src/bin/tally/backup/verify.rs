//! `tally backup verify`.

use std::path::Path;

use serde_json::json;
use tallystick::daemon::backup::{About, Item};
use tallystick::daemon::config::Config;
use tallystick::keys::SealedKeyring;
use tallystick::secmem::harden;
use tallystick::store::Rows;
use tallystick::types::UnixTime;

use super::read;
use crate::output::{Failure, Output};

/// Reads all of it and keeps nothing.
pub fn run(file: &Path, passphrase_file: &Path, output: &Output) -> Result<(), Failure> {
    harden()?;
    let (mut rows, mut has_keyring, mut has_config) = (Rows::default(), false, false);
    let about = read(file, passphrase_file, *output, |item| {
        match item {
            Item::Keyring(bytes) => {
                SealedKeyring::from_bytes(&bytes)?;
                has_keyring = true;
            }
            Item::Config(bytes) => {
                Config::parse(std::str::from_utf8(&bytes)?)?;
                has_config = true;
            }
            Item::Rows(piece) => rows.take(&piece, &mut |_| Ok(()))?,
            Item::About(_) | Item::End(_) => {}
        }
        Ok(())
    })?;
    if !(has_keyring && has_config && rows.is_whole()) {
        return Err(Failure::new(format!("{}: a part of it is missing", file.display())));
    }
    let About { server, time, epoch, group } = about;
    let time = UnixTime::from_seconds(time).to_rfc3339();
    output.item(
        || {
            json!({
                "ok": true, "server": server, "time": time, "epoch": epoch, "group": group,
                "rows": rows.count(),
            })
        },
        || {
            Some(format!(
                "good           {} rows, all up to group {group} of epoch {epoch}\n\
                 made           {time} by {server}\n\
                 Whether it starts is known when it was restored: tally backup restore, into a new directory.",
                rows.count()
            ))
        },
    );
    Ok(())
}
