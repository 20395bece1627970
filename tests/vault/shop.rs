//! A vault with its engine and two merchants, gone when this is dropped.

#[path = "../support/port.rs"]
mod port;

use std::fs::{read_dir, read_to_string};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::http::{Connection, Reply};

/// A card that is approved.
pub const CARD: &str = "4111111111111111";

/// `tally dev` on a directory of its own.
pub struct Shop {
    child: Child,
    pub dir: TempDir,
    /// Where the vault listens: address and port.
    pub address: String,
    /// What it told of itself.
    pub told: Value,
    idle: Mutex<Vec<Connection>>,
}

impl Shop {
    pub fn open() -> Self {
        Self::with(&[])
    }

    /// With more arguments.
    pub fn with(arguments: &[&str]) -> Self {
        Self::within(&[], arguments)
    }

    /// With more in its environment.
    pub fn within(environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        let dir = TempDir::with_prefix("tally-vault-test-").unwrap();
        let address = format!("127.0.0.1:{}", port::lasting());
        let (child, told) = start_within(&dir, &address, environment, arguments);
        Self { child, dir, address, told, idle: Mutex::default() }
    }

    /// Kills vault and engine with SIGKILL, and starts both again where they were.
    pub fn kill_and_restart(&mut self) {
        self.kill();
        let (child, told) = start(&self.dir, &self.address, &[]);
        (self.child, self.told) = (child, told);
    }

    pub fn kill(&mut self) {
        self.kill_both();
        let _ = self.child.wait();
        wait_for_end(self.engine_pid());
        self.idle.lock().unwrap().clear();
    }

    /// Kills the engine, the vault, or both, by turns, at a moment within so many
    /// milliseconds, and lets those who ask notice.
    pub fn kill_at_a_moment(&self, round: u64, within: std::ops::Range<u64>) {
        std::thread::sleep(Duration::from_millis(fastrand::u64(within)));
        match round % 3 {
            0 => signal(self.engine_pid(), "KILL"),
            1 => self.kill_vault(),
            _ => self.kill_both(),
        }
        std::thread::sleep(Duration::from_millis(100));
    }

    pub fn kill_vault(&self) {
        signal(self.child.id().into(), "KILL");
    }

    pub fn vault_pid(&self) -> u32 {
        self.child.id()
    }

    /// The engine is a process of its own.
    pub fn kill_both(&self) {
        self.kill_vault();
        signal(self.engine_pid(), "KILL");
    }

    pub fn engine_pid(&self) -> u64 {
        self.told["engine_pid"].as_u64().unwrap()
    }

    pub fn database(&self) -> PathBuf {
        self.dir.path().join("state/vault.db")
    }

    /// A sample merchant's id and secret of an API.
    pub fn credential(&self, merchant: usize, api: &str) -> (&str, &str) {
        let credential = &self.told["merchants"][merchant]["credentials"][api];
        (credential["id"].as_str().unwrap(), credential["secret"].as_str().unwrap())
    }

    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let kept = self.idle.lock().unwrap().pop();
        let mut connection = kept.unwrap_or_else(|| Connection::to(&self.address));
        let reply = match connection.ask(method, path, headers, body) {
            Ok(reply) => reply,
            // It was closed while nobody used it.
            Err(_) => {
                connection = Connection::to(&self.address);
                connection.ask(method, path, headers, body).unwrap()
            }
        };
        self.idle.lock().unwrap().push(connection);
        reply
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Sends a signal to a process, which may be gone.
pub fn signal(pid: u64, name: &str) {
    let _ = Command::new("kill").arg(format!("-{name}")).arg(pid.to_string()).stderr(Stdio::null()).status();
}

/// Waits until a process that was killed holds nothing any more, its locks for one.
fn wait_for_end(pid: u64) {
    let begun = Instant::now();
    // Behind a thread's name, which is in parentheses, is its state; a zombie has let go of all.
    let runs = |task: PathBuf| {
        let stat = read_to_string(task.join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, state)| !state.starts_with(['Z', 'X']))
    };
    let tasks = format!("/proc/{pid}/task");
    let lives = || read_dir(&tasks).is_ok_and(|tasks| tasks.flatten().any(|task| runs(task.path())));
    while lives() {
        assert!(begun.elapsed() < Duration::from_secs(60), "process {pid} does not end");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn start(dir: &TempDir, listen: &str, arguments: &[&str]) -> (Child, Value) {
    start_within(dir, listen, &[], arguments)
}

fn start_within(
    dir: &TempDir,
    listen: &str,
    environment: &[(&str, &str)],
    arguments: &[&str],
) -> (Child, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tally"))
        .args(["--json", "dev", "--listen", listen, "--dir"])
        .arg(dir.path().join("state"))
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let told: Value = serde_json::from_str(&line).unwrap_or_default();
    assert!(told["url"].is_string(), "no vault: {line}");
    (child, told)
}
