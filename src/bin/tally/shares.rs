//! `tally shares`: custodians' shares that open the keyring.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::json;
use tallystick::crypto::SystemRandom;
use tallystick::keys::{Gathering, KeyError, Provider, Share};
use tallystick::secmem::{Region, harden};

use crate::arguments::{Opener, SharesTask};
use crate::keys_at_rest::{self, Secret};
use crate::output::{Failure, Output};
use crate::secret_text;
use crate::show::{key_json, key_line};

/// Slots of locked memory: shares, twice, what they come from, and keys one at a time.
const SLOTS: usize = 128;

/// Does what was asked.
pub fn run(task: &SharesTask, output: &Output) -> Result<(), Failure> {
    harden()?;
    match task {
        SharesTask::Make { dir, opener, needed, made, out } => {
            make(&dir.dir, opener, (*needed, *made), out, output)
        }
        SharesTask::Verify { dir, share_file } => verify(&dir.dir, share_file, output),
    }
}

fn make(
    dir: &Path,
    opener: &Opener,
    (needed, made): (u8, u8),
    out: &Path,
    output: &Output,
) -> Result<(), Failure> {
    let _alone = keys_at_rest::alone(dir)?;
    let region = Region::new(SLOTS)?;
    let (mut keyring, _) = keys_at_rest::open(dir, &region, &opener.secrets, Some(&opener.device))?;
    let shares = keyring.enclose_by_custodians(&SystemRandom, needed, made)?;
    let splitting = shares.first().map(Share::splitting).unwrap_or_default();
    let files = Files::write(out, &shares)?;
    // They are on disk: only now may the keyring need them. It is tried with what
    // the files say, read back.
    let Provider::Custodians(told) = keyring.provider() else { return Err(KeyError::Unknown.into()) };
    let mut gathering = Gathering::new(told.clone());
    for file in &files.0 {
        gathering.give(Share::parse(&region, &secret_text::read(file)?)?)?;
    }
    let secret = Secret::WrappingKey(keys_at_rest::gathered(&gathering, &region)?);
    // From here on the keyring may need them, also if something fails below.
    let files = files.keep();
    let keys = keys_at_rest::replace(dir, &keyring, &region, &secret)?;
    output.item(
        || {
            let keys: Vec<_> = keys.iter().map(key_json).collect();
            json!({
                "ok": true, "splitting": splitting, "needed": needed, "made": made, "files": files, "keys": keys,
            })
        },
        || {
            let mut lines: Vec<_> = keys.iter().map(key_line).collect();
            lines.extend(files.iter().map(|file| format!("share          {}", file.display())));
            lines.push(format!(
                "Any {needed} of these {made} open the keyring, and nothing else does; shares made before are\n\
                 void. Give each to one custodian and leave no copy: try them first, with\n\
                 `tally shares verify`. Copies of the keyring made before still open as they did."
            ));
            Some(lines.join("\n"))
        },
    );
    Ok(())
}

fn verify(dir: &Path, file: &Path, output: &Output) -> Result<(), Failure> {
    let region = Region::new(SLOTS)?;
    let sealed = keys_at_rest::read(dir)?;
    let Provider::Custodians(splitting) = sealed.provider() else {
        return Err(KeyError::OtherProvider(sealed.provider().name()).into());
    };
    let share = Share::parse(&region, &secret_text::read(file)?)?;
    splitting.check(&share)?;
    let (number, made, needed) = (share.number(), share.count(), share.threshold());
    output.item(
        || json!({"ok": true, "share": number, "splitting": share.splitting(), "needed": needed, "made": made}),
        || Some(format!("share {number} of {made} of this keyring, unchanged; {needed} open it")),
    );
    Ok(())
}

/// Files that are removed again unless they are kept.
struct Files(Vec<PathBuf>);

impl Files {
    /// One file a share, for its owner only, durably. None is overwritten.
    fn write(dir: &Path, shares: &[Share]) -> Result<Self, Failure> {
        let told = |path: &Path| {
            let path = path.display().to_string();
            move |error: std::io::Error| Failure::new(format!("{path}: {error}"))
        };
        DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(told(dir))?;
        let mut files = Self(Vec::new());
        for share in shares {
            let path = dir.join(format!("share-{}-of-{}", share.number(), share.count()));
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
            let mut file = file.map_err(told(&path))?;
            files.0.push(path.clone());
            let (number, made, needed) = (share.number(), share.count(), share.threshold());
            let splitting = share.splitting();
            writeln!(file, "# Tallystick: share {number} of {made}, any {needed} open the keyring; splitting {splitting}.")
                .and_then(|()| file.write_all(share.text().as_bytes()))
                .and_then(|()| file.write_all(b"\n"))
                .and_then(|()| file.sync_all())
                .map_err(told(&path))?;
        }
        std::fs::File::open(dir).and_then(|dir| dir.sync_all()).map_err(told(dir))?;
        Ok(files)
    }

    fn keep(mut self) -> Vec<PathBuf> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        for file in &self.0 {
            // The keyring does not need them; what cannot be removed is void.
            let _ = std::fs::remove_file(file);
        }
    }
}
