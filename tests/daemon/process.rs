//! A daemon process in a directory of its own.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tallystick::client::Client;
use tallystick::command::{self, CardSource, Command as Ask, Issue, Provision, TokenView, Verify};
use tallystick::types::{
    Amount, Cryptogram, Currency, Domain, Evidence, Expiry, Pan, Reference, Transaction, Trid,
};
use tempfile::TempDir;

pub const PAN: &str = "4929123456789015";
pub const PASSPHRASE: &str = "a passphrase for tests only";

pub struct Daemon {
    pub dir: TempDir,
    child: Option<Child>,
}

impl Daemon {
    /// A new state directory and a daemon on it.
    pub fn start() -> Self {
        Self::start_with(|config| config)
    }

    /// The same, with another configuration.
    pub fn start_with(edit: impl FnOnce(String) -> String) -> Self {
        let mut daemon = Self::prepared(edit);
        daemon.launch();
        daemon
    }

    /// A new state directory without a daemon.
    pub fn prepared(edit: impl FnOnce(String) -> String) -> Self {
        let dir = TempDir::with_prefix("tally-test-").unwrap();
        fs::write(dir.path().join("passphrase"), PASSPHRASE).unwrap();
        let output = tally(dir.path(), &["init", "--passphrase-file"])
            .arg(dir.path().join("passphrase"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let config = dir.path().join("tallyd.toml");
        let text = edit(fs::read_to_string(&config).unwrap());
        fs::write(config, text).unwrap();
        Self { dir, child: None }
    }

    /// Starts and waits until it serves.
    pub fn launch(&mut self) {
        self.child = Some(self.spawn());
        self.wait_until_up();
    }

    /// Starts without what opens the keyring, and waits until it listens.
    pub fn launch_sealed(&mut self) {
        self.launch_with(|command| command);
    }

    /// The same, with more said to it.
    pub fn launch_with(&mut self, edit: impl FnOnce(&mut Command) -> &mut Command) {
        let mut command = self.command();
        self.child = Some(edit(&mut command).spawn().unwrap());
        self.wait_until_up();
    }

    fn wait_until_up(&mut self) {
        let begun = Instant::now();
        while UnixStream::connect(self.socket()).is_err() {
            let ended = self.child.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none(), "tallyd ended: {}", self.log());
            assert!(begun.elapsed() < Duration::from_secs(60), "tallyd did not come up");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts a process on the directory, its log appended to a file.
    pub fn spawn(&self) -> Child {
        self.command().arg("--passphrase-file").arg(self.path("passphrase")).spawn().unwrap()
    }

    fn command(&self) -> Command {
        let log = fs::OpenOptions::new().append(true).create(true).open(self.path("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_tallyd"));
        command.arg("--dir").arg(self.dir.path()).env("TALLYD_LOG", "debug");
        command.stdin(Stdio::null()).stderr(log);
        command
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn socket(&self) -> PathBuf {
        self.path("tallyd.sock")
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    pub fn client(&self) -> Client<UnixStream> {
        let client = Client::connect(&self.socket(), "test").unwrap();
        let limit = Some(Duration::from_secs(30));
        client.set_timeouts(limit, limit).unwrap();
        client
    }

    pub fn admin(&self) -> Client<UnixStream> {
        Client::connect(&self.path("admin.sock"), "test").unwrap()
    }

    /// What Prometheus would read.
    pub fn metrics(&self) -> String {
        let mut stream = UnixStream::connect(self.path("admin.sock")).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text.split_once("\r\n\r\n").unwrap().1.to_owned()
    }

    /// How it says that the daemon before it ended, if it does.
    pub fn last_end(&self) -> Option<String> {
        let text = self.metrics();
        let told = |line: &str| {
            Some(line.strip_prefix("tally_last_end{reason=\"")?.strip_suffix("\"} 1")?.to_owned())
        };
        let mut endings = text.lines().filter_map(told);
        let ending = endings.next();
        assert_eq!(endings.next(), None, "{text}");
        ending
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// How it ends by itself.
    pub fn wait(&mut self) -> ExitStatus {
        self.child.take().unwrap().wait().unwrap()
    }

    /// SIGTERM, and how it ended.
    pub fn stop(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        child.wait().unwrap()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A command line of `tally` on a state directory.
pub fn tally(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tally"));
    command.args(arguments).env("TALLY_DIR", dir).stdin(Stdio::null());
    command
}

pub fn trid() -> Trid {
    Trid::parse(b"40010000001").unwrap()
}

pub fn card() -> Provision {
    Provision {
        card: CardSource::Clear {
            pan: Pan::parse(PAN.as_bytes()).unwrap(),
            expiry: Expiry::parse(b"4912").unwrap(),
        },
        trid: trid(),
        evidence: Evidence {
            provider: Reference::parse("p").unwrap(),
            reference: Reference::parse("r").unwrap(),
            auth_reference: None,
        },
        par: None,
        domain: Domain::default(),
        providers: None,
    }
}

pub fn provision(client: &mut Client<UnixStream>) -> TokenView {
    client.token(&Ask::Provision(Box::new(card())), None).unwrap()
}

pub fn paying(units: u64) -> Transaction<'static> {
    let amount = (Amount::from_minor_units(units), Currency::from_code(356).unwrap());
    Transaction { amount: Some(amount), ..Transaction::UNKNOWN }
}

pub fn issue_of(token: &TokenView) -> Issue<'static> {
    Issue { token: token.token, trid: token.trid, transaction: paying(100) }
}

pub fn verify_of(token: &TokenView, cryptogram: Cryptogram) -> Verify<'static> {
    let command::TokenView { token, expiry, trid, .. } = *token;
    Verify { token, expiry, trid, transaction: paying(100), cryptogram }
}
