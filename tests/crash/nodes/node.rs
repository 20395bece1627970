//! A node under a supervisor, which starts it again whenever it ends.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Signal, kill_process};
use tallystick::daemon::paths;

use super::link::Link;
use crate::daemon::{Running, State};

/// Between an end and the next start, and between two looks.
const PAUSE: Duration = Duration::from_millis(50);
const LOOK: Duration = Duration::from_millis(3);
/// A node that ends by itself says one of these. Whatever else it says is a fault.
const GOOD_REASONS: [&str; 5] = [
    "was opened by a newer writer",
    "cannot be reached",
    "SQLSTATE 57P0",
    "is a standby",
    "does not keep to its protocol",
];

/// A node, and its way to the database.
pub struct Node {
    pub state: State,
    pub link: Link,
    shared: Arc<Shared>,
    supervisor: Option<JoinHandle<()>>,
}

struct Shared {
    running: Mutex<Option<Running>>,
    ends: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Node {
    /// Has it run from now on.
    pub fn start(state: State, link: Link) -> Self {
        let shared = Arc::new(Shared {
            running: Mutex::new(None),
            ends: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let (watched, dir) = (Arc::clone(&shared), state.dir().to_owned());
        let starter = state.starter();
        let supervisor = thread::spawn(move || supervise(&watched, &dir.join("log"), &starter));
        Self { state, link, shared, supervisor: Some(supervisor) }
    }

    pub fn data_socket(&self) -> PathBuf {
        paths::data_socket(self.state.dir())
    }

    pub fn admin_socket(&self) -> PathBuf {
        paths::admin_socket(self.state.dir())
    }

    /// Sends it a signal, if it runs.
    pub fn signal(&self, signal: Signal) {
        if let Some(running) = &*self.shared.running.lock().unwrap() {
            let _ = kill_process(running.pid(), signal);
        }
    }

    /// An end that nothing that was done to it explains.
    pub fn bad_end(&self) -> Option<String> {
        let is_good = |end: &String| GOOD_REASONS.iter().any(|reason| end.contains(reason));
        self.shared.ends.lock().unwrap().iter().find(|end| !is_good(end)).cloned()
    }

    /// How it ended since this was last asked, but for what was done to it.
    pub fn take_ends(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.ends.lock().unwrap())
    }

    /// Removes its state, once it has ended.
    pub fn remove(&self) {
        let _ = fs::remove_dir_all(self.state.dir());
    }

    /// Ends it for good.
    pub fn end(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        self.signal(Signal::KILL);
        if let Some(supervisor) = self.supervisor.take() {
            let _ = supervisor.join();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.end();
    }
}

fn supervise(shared: &Shared, log: &PathBuf, start: &dyn Fn() -> Running) {
    while !shared.is_over.load(Ordering::SeqCst) {
        let known = fs::metadata(log).map_or(0, |log| log.len());
        *shared.running.lock().unwrap() = Some(start());
        let status = loop {
            thread::sleep(LOOK);
            let mut running = shared.running.lock().unwrap();
            if let Some(status) = running.as_mut().and_then(Running::end) {
                *running = None;
                break status;
            }
        };
        if status.signal() != Some(Signal::KILL.as_raw()) {
            let said = fs::read(log).unwrap_or_default();
            let said = String::from_utf8_lossy(said.get(known as usize..).unwrap_or_default()).into_owned();
            let last: Vec<_> = said.lines().filter(|line| !line.contains("INFO")).collect();
            let end = if status.code() == Some(0) { "without a complaint" } else { "" };
            shared.ends.lock().unwrap().push(format!("{status} {end}: {}", last.join(" | ")));
        }
        thread::sleep(PAUSE);
    }
}
