//! The daemon that is measured.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tallystick::client::Client;
use tallystick::daemon::paths;

use super::tokens::{Purse, Tokens};
use crate::ask::{connect, connect_admin};
use crate::daemon::Daemon;
use crate::output::Failure;

/// A daemon, of our own or running already, and the tokens we gave it.
pub struct Home {
    own: Option<Daemon>,
    dir: PathBuf,
    purse: Purse,
}

impl Home {
    /// A daemon of our own in a throwaway directory.
    pub fn throwaway() -> Result<Self, Failure> {
        let daemon = Daemon::start()?;
        Ok(Self { dir: daemon.dir().to_owned(), own: Some(daemon), purse: Purse::new() })
    }

    /// The daemon that runs on a directory, or one of our own started on it;
    /// without a directory a throwaway one.
    pub fn open(dir: Option<&Path>) -> Result<Self, Failure> {
        match dir {
            Some(dir) if connect(dir).is_ok() => {
                Ok(Self { own: None, dir: dir.to_owned(), purse: Purse::new() })
            }
            Some(dir) => Self::own_at(dir),
            None => Self::throwaway(),
        }
    }

    /// A daemon of our own on a directory that is used again.
    pub fn own_at(dir: &Path) -> Result<Self, Failure> {
        let daemon = Daemon::start_at(dir)?;
        Ok(Self { own: Some(daemon), dir: dir.to_owned(), purse: Purse::kept_in(dir)? })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The data socket.
    pub fn socket(&self) -> PathBuf {
        paths::data_socket(&self.dir)
    }

    /// So many tokens; those that are missing are made.
    pub fn tokens(&mut self, count: u32) -> Result<Arc<Tokens>, Failure> {
        self.purse.fill(&self.socket(), count)?;
        self.purse.tokens(&self.socket(), count)
    }

    /// Tokens that it was given, by this run or, on a directory of ours, any before.
    pub const fn held(&self) -> usize {
        self.purse.len()
    }

    /// A connection to the admin socket.
    pub fn admin(&self) -> Result<Client<UnixStream>, Failure> {
        connect_admin(&self.dir)
    }

    /// Bytes of memory that are its own or files': what the kernel calls RssAnon
    /// and RssFile.
    pub fn memory(&self) -> Result<u64, Failure> {
        let pid = self.own()?.pid();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let kibibytes = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse::<u64>().ok())
        };
        let both = kibibytes("RssAnon:").zip(kibibytes("RssFile:"));
        let (anonymous, file) = both.ok_or_else(|| Failure::new("/proc has no memory of the daemon"))?;
        Ok((anonymous + file) * 1024)
    }

    /// Kills it with SIGKILL and starts it again; how long the start took until a
    /// client was served.
    pub fn kill_and_start(&mut self) -> Result<Duration, Failure> {
        let daemon = self.own.as_mut().ok_or_else(not_ours)?;
        daemon.kill()?;
        let begun = Instant::now();
        daemon.restart()?;
        Ok(begun.elapsed())
    }

    fn own(&self) -> Result<&Daemon, Failure> {
        self.own.as_ref().ok_or_else(not_ours)
    }
}

/// The value of a metric without labels.
pub fn metric(admin: &mut Client<UnixStream>, name: &str) -> Result<u64, Failure> {
    let text = admin.metrics()?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.ok_or_else(|| Failure::new(format!("the daemon has no metric {name}")))
}

fn not_ours() -> Failure {
    Failure::new("a daemon that runs already is neither killed nor looked into")
}
