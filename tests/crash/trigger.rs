//! Pulls the trigger on a daemon: after a time, at a reply, or while pages go
//! with its groups.

use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Pid;
use tallystick::client::Client;

use crate::daemon::kill;
use crate::plan::Kill;

/// A kill at something that does not come comes after this.
const LATEST: Duration = Duration::from_secs(2);
/// A daemon that gives no reply for this long hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often the journal is looked at.
const LOOK: Duration = Duration::from_millis(1);
/// Pages after which the cursor has been round at least once in a small store.
const MANY_PAGES: u64 = 12;

/// What every connection counts its replies with.
pub struct Trigger {
    kill: Kill,
    pid: Pid,
    replies: AtomicU32,
    /// Connections at work.
    working: AtomicUsize,
    pulled: SyncSender<()>,
    heard: Mutex<Receiver<()>>,
}

impl Trigger {
    pub fn new(kill: Kill, pid: Pid, connections: usize) -> Self {
        let (pulled, heard) = sync_channel(1);
        let (replies, working) = (AtomicU32::new(0), AtomicUsize::new(connections));
        Self { kill, pid, replies, working, pulled, heard: Mutex::new(heard) }
    }

    /// Replies so far.
    pub fn replies(&self) -> u32 {
        self.replies.load(Ordering::SeqCst)
    }

    /// Counts replies, and kills at the planned one: its reader does, at once.
    pub fn count(&self, more: usize) {
        let more = u32::try_from(more).unwrap();
        let before = self.replies.fetch_add(more, Ordering::SeqCst);
        if let Kill::AtReply(at) = self.kill
            && (before + 1..=before + more).contains(&at)
        {
            self.pull();
        }
    }

    /// A connection works no more.
    pub fn leave(&self) {
        if self.working.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.tell();
        }
    }

    /// Waits until it is time to kill, or until the daemon is gone.
    pub fn wait(&self) -> Result<(), String> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let time = if let Kill::After(time) = self.kill { time } else { LATEST };
        let begun = Instant::now();
        loop {
            let before = self.replies();
            // Nothing heard means that the time is over.
            let over = heard.recv_timeout(time).is_err();
            if !over || matches!(self.kill, Kill::After(_)) || self.replies() > before {
                return Ok(());
            }
            if begun.elapsed() > PATIENCE {
                return Err(format!("no reply in {PATIENCE:?}"));
            }
        }
    }

    /// Looks at the daemon's metrics until it is gone, and kills it when it
    /// has written many pages, if that is planned. How many it wrote.
    pub fn watch(&self, admin_socket: &Path) -> u64 {
        let (mut pages, mut pulled) = (0, false);
        let Ok(mut client) = Client::connect(admin_socket, "crash") else { return 0 };
        while let Ok(text) = client.metrics() {
            let told =
                |name| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
            pages = told("tally_pages_total ").expect("a metric of the pages written");
            if let (Kill::AtPages(time), false) = (self.kill, pulled)
                && pages >= MANY_PAGES
            {
                sleep(time);
                self.pull();
                pulled = true;
            }
            sleep(LOOK);
        }
        pages
    }

    fn pull(&self) {
        kill(self.pid);
        self.tell();
    }

    fn tell(&self) {
        // If it is full, somebody else was faster.
        let _ = self.pulled.try_send(());
    }
}
