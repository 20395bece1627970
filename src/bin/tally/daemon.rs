//! A daemon of one's own, in a throwaway directory, for the demo and the bench.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use data_encoding::HEXLOWER;
use rustix::process::{Pid, Signal, kill_process};
use tallystick::crypto::{Random, SystemRandom};
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::ask::connect;
use crate::init;
use crate::output::Failure;

/// How long a daemon may take to come up: it derives a key from a passphrase and
/// may have ten million tokens to load.
const START: Duration = Duration::from_secs(300);
/// The file with the passphrase, beside the keyring that it opens.
const PASSPHRASE: &str = "passphrase";

/// A running `tallyd`, gone when this is dropped, and so is its directory if it
/// is a throwaway one.
pub struct Daemon {
    child: Child,
    dir: PathBuf,
    _throwaway: Option<TempDir>,
}

impl Daemon {
    /// Starts a daemon on a throwaway state directory.
    pub fn start() -> Result<Self, Failure> {
        let throwaway = TempDir::with_prefix("tally-")?;
        let dir = throwaway.path().to_owned();
        Self::start_on(dir, Some(throwaway))
    }

    /// Starts a daemon on a directory that an earlier one of these left, or that
    /// is made now.
    pub fn start_at(dir: &Path) -> Result<Self, Failure> {
        Self::start_on(dir.to_owned(), None)
    }

    fn start_on(dir: PathBuf, throwaway: Option<TempDir>) -> Result<Self, Failure> {
        if !dir.join(PASSPHRASE).exists() {
            make(&dir)?;
        }
        let child = spawn(&dir)?;
        let mut daemon = Self { child, dir, _throwaway: throwaway };
        daemon.wait_until_up()?;
        Ok(daemon)
    }

    /// The state directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it with SIGKILL and starts another on the same directory.
    pub fn kill_and_restart(&mut self) -> Result<(), Failure> {
        self.kill()?;
        self.restart()
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts another on the directory of one that has ended.
    pub fn restart(&mut self) -> Result<(), Failure> {
        self.child = spawn(&self.dir)?;
        self.wait_until_up()
    }

    /// Asks it to stop with SIGTERM and waits; says whether it ended well.
    pub fn stop(&mut self) -> Result<bool, Failure> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| Failure::new("the daemon has no process id"))?;
        kill_process(pid, Signal::TERM)?;
        Ok(self.child.wait()?.success())
    }

    fn wait_until_up(&mut self) -> Result<(), Failure> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                let log = std::fs::read_to_string(log_path(&self.dir)).unwrap_or_default();
                return Err(Failure::new(format!("tallyd ended ({status}):\n{log}")));
            }
            if connect(&self.dir).is_ok() {
                return Ok(());
            }
            if begun.elapsed() > START {
                return Err(Failure::new("tallyd did not come up"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already; nothing is owed to it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn log_path(dir: &Path) -> PathBuf {
    dir.join("log")
}

/// Makes a state directory with a random passphrase. The passphrase lies beside
/// the keyring: what such a directory holds is worth nothing.
fn make(dir: &Path) -> Result<(), Failure> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    if std::fs::read_dir(dir)?.next().is_some() {
        let what = "no daemon runs on it, and it is neither empty nor made by this command";
        return Err(Failure::new(format!("{}: {what}", dir.display())));
    }
    let mut random = Zeroizing::new([0; 16]);
    SystemRandom.fill(random.as_mut_slice())?;
    let passphrase = Zeroizing::new(HEXLOWER.encode(random.as_slice()));
    let path = dir.join(PASSPHRASE);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(passphrase.as_bytes())?;
    init::make(dir, &path)?;
    Ok(())
}

/// Starts this very program under the daemon's name, so that both are of one
/// build, whichever of the two was built.
fn spawn(dir: &Path) -> Result<Child, Failure> {
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(log_path(dir))?;
    let child = Command::new(std::env::current_exe()?)
        .arg0("tallyd")
        .arg("--dir")
        .arg(dir)
        .arg("--passphrase-file")
        .arg(dir.join(PASSPHRASE))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    Ok(child)
}
