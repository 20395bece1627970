//! A process that connects and ends while another has its socket.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

/// Says that a child of a test is to leave its socket behind.
const SOCKET: &str = "TALLY_TEST_LEAVES_ITS_SOCKET_AT";

/// The process that connects: this program, at the test that calls
/// [`leave_a_socket_behind`].
pub struct Helper(Child);

/// Who has its socket.
pub struct Heir(Pid);

impl Helper {
    pub fn connect(test: &str, socket: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture"]).env(SOCKET, socket);
        Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }

    /// It goes, and leaves its socket to a child that stays.
    pub fn go(mut self) -> Heir {
        drop(self.0.stdin.take());
        let told = self.0.wait_with_output().unwrap();
        assert!(told.status.success());
        let told = String::from_utf8(told.stdout).unwrap();
        let heir = told.split_once("heir ").and_then(|(_, rest)| rest.split_whitespace().next()).unwrap();
        Heir(Pid::from_raw(heir.parse().unwrap()).unwrap())
    }
}

impl Heir {
    /// Ends it, which had to be there until now.
    pub fn end(self) {
        assert!(test_kill_process(self.0).is_ok(), "the heir had to hold the socket");
        kill_process(self.0, Signal::KILL).unwrap();
    }
}

/// In the helper: connects, waits to be told, and leaves the socket to a child. False
/// in any other process, which then is to go on.
pub fn leave_a_socket_behind() -> bool {
    let Ok(socket) = std::env::var(SOCKET) else { return false };
    let stream = UnixStream::connect(socket).unwrap();
    // Its own end is the test's to bring about.
    #[allow(clippy::zombie_processes)]
    let heir = Command::new("sleep")
        .arg("600")
        .stdin(Stdio::from(OwnedFd::from(stream.try_clone().unwrap())))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    println!("heir {}", heir.id());
    std::io::stdout().flush().unwrap();
    std::io::stdin().read_to_string(&mut String::new()).unwrap();
    true
}
