//! The daemon as a process, and the state directory that outlives it.

use std::fs;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use secrecy::SecretSlice;
use tallystick::crypto::{PassphraseCost, SystemRandom};
use tallystick::daemon::config::default_text;
use tallystick::daemon::paths;
use tallystick::keys::OpenKeyring;
use tallystick::secmem::Region;
use tempfile::TempDir;

const PASSPHRASE: &str = "a passphrase for tests only";
/// A passphrase cost that every start can pay.
const CHEAP: PassphraseCost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };
/// The shortest journal that the configuration allows.
pub const SMALL_JOURNAL: u64 = 2048;
const PATIENCE: Duration = Duration::from_secs(60);

/// The state directory of a daemon.
pub struct State {
    dir: TempDir,
    /// Where its store is, as the configuration says it; nothing if it is here.
    store: String,
    /// The network namespace that it runs in, if it is not this one.
    namespace: Option<String>,
}

/// A daemon that runs on it. It is killed when this is dropped.
pub struct Running {
    child: Child,
    log: PathBuf,
}

impl State {
    /// Makes what `tally init` makes, with a cheaper passphrase. The directory
    /// stays if it is not [removed](Self::remove).
    pub fn make() -> Self {
        let region = Region::new(64).unwrap();
        let passphrase: SecretSlice<u8> = PASSPHRASE.as_bytes().to_vec().into();
        let mut keyring = OpenKeyring::create(&region, &SystemRandom, &passphrase, CHEAP).unwrap();
        crate::chips::import(&mut keyring, &region);
        Self::with(&keyring.seal(&SystemRandom).unwrap().to_bytes(), String::new(), None)
    }

    /// The directory of another node with the same keyring.
    #[cfg(feature = "postgres")]
    pub fn of_node(&self, store: String, namespace: Option<String>) -> Self {
        Self::with(&fs::read(paths::keyring(self.dir())).unwrap(), store, namespace)
    }

    fn with(keyring: &[u8], store: String, namespace: Option<String>) -> Self {
        let mut dir = TempDir::with_prefix("tally-crash-").unwrap();
        dir.disable_cleanup(true);
        let state = Self { dir, store, namespace };
        fs::write(state.path("passphrase"), PASSPHRASE).unwrap();
        fs::write(paths::keyring(state.dir()), keyring).unwrap();
        state.configure(false);
        state
    }

    /// Writes the configuration for the next starts.
    pub fn configure(&self, small_journal: bool) {
        let mut text = default_text(rustix::process::getuid().as_raw());
        if small_journal {
            text.push_str(&format!("\n[limits]\njournal_bytes = {SMALL_JOURNAL}\n"));
        }
        text.push_str(&self.store);
        fs::write(paths::config(self.dir()), text).unwrap();
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    pub fn remove(mut self) {
        self.dir.disable_cleanup(false);
    }

    /// Starts a daemon, its log appended to a file.
    pub fn spawn(&self) -> Running {
        spawn(self.dir(), self.namespace.as_deref())
    }

    /// Starts daemons, from any thread.
    #[cfg(feature = "postgres")]
    pub fn starter(&self) -> impl Fn() -> Running + Send + use<> {
        let (dir, namespace) = (self.dir().to_owned(), self.namespace.clone());
        move || spawn(&dir, namespace.as_deref())
    }

    /// Starts a daemon and waits until it serves; also how long that took.
    pub fn start(&self) -> Result<(Running, Duration), String> {
        let (mut running, begun) = (self.spawn(), Instant::now());
        // The admin socket is made last.
        while UnixStream::connect(paths::admin_socket(self.dir())).is_err() {
            if let Some(status) = running.child.try_wait().unwrap() {
                return Err(running.ended(status));
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("tallyd did not come up in {PATIENCE:?}"));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok((running, begun.elapsed()))
    }
}

fn spawn(dir: &Path, namespace: Option<&str>) -> Running {
    let path = dir.join("log");
    let log = fs::OpenOptions::new().append(true).create(true).open(&path).unwrap();
    let tallyd = env!("CARGO_BIN_EXE_tallyd");
    let mut command = Command::new(if namespace.is_some() { "ip" } else { tallyd });
    if let Some(namespace) = namespace {
        // It becomes the daemon, and keeps its process id.
        command.args(["netns", "exec", namespace, tallyd]);
    }
    let child = command
        .arg("--dir")
        .arg(dir)
        .arg("--passphrase-file")
        .arg(dir.join("passphrase"))
        .stdin(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    Running { child, log: path }
}

impl Running {
    /// For killing it from any thread, as long as nobody has waited for it.
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// SIGKILL, and its end. An error if it had ended by itself before.
    pub fn kill(&mut self) -> Result<(), String> {
        kill(self.pid());
        let status = self.child.wait().unwrap();
        if status.signal() == Some(Signal::KILL.as_raw()) { Ok(()) } else { Err(self.ended(status)) }
    }

    /// How it ended, if it has.
    #[cfg(feature = "postgres")]
    pub fn end(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    fn ended(&self, status: ExitStatus) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let last = log.lines().last().unwrap_or_default();
        format!("tallyd ended by itself, {status}; its last words: {last}")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// SIGKILL.
pub fn kill(pid: Pid) {
    // One that is dead already is dead enough.
    let _ = kill_process(pid, Signal::KILL);
}
