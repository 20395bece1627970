//! Under a service manager: sockets that were passed, and what it is told.

use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tallystick::client::Client;
use tallystick::command::TokenView;

use crate::process::{Daemon, issue_of, provision, verify_of};

/// Does for a daemon what systemd does.
pub struct Manager {
    pub daemon: Daemon,
    pub listeners: [UnixListener; 2],
    told: Receiver<String>,
}

impl Manager {
    pub fn new() -> Self {
        let daemon = Daemon::prepared(|config| config);
        std::fs::create_dir(daemon.path("run")).unwrap();
        let listeners = ["run/tallyd.sock", "run/admin.sock"];
        let listeners = listeners.map(|name| UnixListener::bind(daemon.path(name)).unwrap());
        let socket = UnixDatagram::bind(daemon.path("notify")).unwrap();
        // Taken off at once, as a manager does: who tells it something must not wait.
        let (send, told) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = socket.recv(&mut bytes) {
                let lines = String::from_utf8_lossy(&bytes[..count]).into_owned();
                if lines.lines().any(|line| send.send(line.to_owned()).is_err()) {
                    return;
                }
            }
        });
        Self { daemon, listeners, told }
    }

    /// Starts the daemon with these of its sockets, at descriptors 3 and 4.
    fn start(&self, passed: [&UnixListener; 2]) -> Child {
        self.start_with(passed, &[])
    }

    /// The same, with more said to it.
    pub fn start_with(&self, passed: [&UnixListener; 2], more: &[&str]) -> Child {
        let [first, second] = passed.map(|one| Stdio::from(OwnedFd::from(one.try_clone().unwrap())));
        let log =
            std::fs::OpenOptions::new().append(true).create(true).open(self.daemon.path("log")).unwrap();
        // The number of the process that is meant is known only in it.
        let shell = "exec 3<&0 4<&1 </dev/null >/dev/null; LISTEN_PID=$$ LISTEN_FDS=2 exec \"$0\" \"$@\"";
        Command::new("sh")
            .args(["-c", shell, env!("CARGO_BIN_EXE_tallyd"), "--dir"])
            .arg(self.daemon.dir.path())
            .arg("--passphrase-file")
            .arg(self.daemon.path("passphrase"))
            .args(more)
            .env("NOTIFY_SOCKET", self.daemon.path("notify"))
            .env("WATCHDOG_USEC", "100000")
            .stdin(first)
            .stdout(second)
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// Waits until this is told.
    pub fn hears(&self, what: &str) {
        let next = || self.told.recv_timeout(Duration::from_secs(300));
        while next().unwrap_or_else(|error| panic!("{what}: {error}")) != what {}
    }

    pub fn client(&self) -> Client<UnixStream> {
        Client::connect(&self.daemon.path("run/tallyd.sock"), "test").unwrap()
    }

    fn stop(&self, mut child: Child) {
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.hears("STOPPING=1");
        assert!(child.wait().unwrap().success(), "{}", self.daemon.log());
    }
}

#[test]
fn serves_what_was_passed_and_leaves_it_for_the_next() {
    let manager = Manager::new();
    let [data, admin] = &manager.listeners;
    // Whoever comes before there is a daemon waits for it.
    let socket = manager.daemon.path("run/tallyd.sock");
    let early = std::thread::spawn(move || provision(&mut Client::connect(&socket, "early").unwrap()));
    let child = manager.start([data, admin]);
    manager.hears("READY=1");
    let token: TokenView = early.join().unwrap();
    let cryptogram = manager.client().issue(issue_of(&token), None).unwrap().cryptogram;
    let status = Client::connect(&manager.daemon.path("run/admin.sock"), "test").unwrap().status().unwrap();
    assert_eq!(status.health, "serving");
    // Told more than once: it goes on.
    manager.hears("WATCHDOG=1");
    manager.hears("WATCHDOG=1");
    manager.stop(child);
    assert!(!manager.daemon.socket().exists(), "no socket of its own was made");
    // The same sockets, in another order: names tell them apart.
    let child = manager.start([admin, data]);
    manager.hears("READY=1");
    manager.client().verify(verify_of(&token, cryptogram), None).unwrap();
    manager.stop(child);
}

#[test]
fn other_sockets_are_not_served() {
    let manager = Manager::new();
    let [data, _] = &manager.listeners;
    let mut child = manager.start([data, data]);
    assert!(!child.wait().unwrap().success());
    assert!(manager.daemon.log().contains("twice"), "{}", manager.daemon.log());
}
