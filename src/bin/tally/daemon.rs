//! A daemon of one's own, in a throwaway directory, for the demo and the bench.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
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

/// How long a daemon may take to come up: it derives a key from a passphrase.
const START: Duration = Duration::from_secs(30);

/// A running `tallyd` and its directory, both gone when this is dropped.
pub struct Daemon {
    child: Child,
    dir: TempDir,
}

impl Daemon {
    /// Makes a state directory and starts a daemon on it.
    pub fn start() -> Result<Self, Failure> {
        let dir = TempDir::with_prefix("tally-")?;
        let mut random = Zeroizing::new([0; 16]);
        SystemRandom.fill(random.as_mut_slice())?;
        let passphrase = Zeroizing::new(HEXLOWER.encode(random.as_slice()));
        let path = dir.path().join("passphrase");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        file.write_all(passphrase.as_bytes())?;
        init::make(dir.path(), &path)?;
        let child = spawn(dir.path())?;
        let mut daemon = Self { child, dir };
        daemon.wait_until_up()?;
        Ok(daemon)
    }

    /// The state directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it with SIGKILL and starts another on the same directory.
    pub fn kill_and_restart(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        self.child = spawn(self.dir.path())?;
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
                let log = std::fs::read_to_string(log_path(self.dir.path())).unwrap_or_default();
                return Err(Failure::new(format!("tallyd ended ({status}):\n{log}")));
            }
            if connect(self.dir.path()).is_ok() {
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

/// Starts this very program under the daemon's name, so that both are of one
/// build, whichever of the two was built.
fn spawn(dir: &Path) -> Result<Child, Failure> {
    let log = OpenOptions::new().append(true).create(true).mode(0o600).open(log_path(dir))?;
    let child = Command::new(std::env::current_exe()?)
        .arg0("tallyd")
        .arg("--dir")
        .arg(dir)
        .arg("--passphrase-file")
        .arg(dir.join("passphrase"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()?;
    Ok(child)
}
