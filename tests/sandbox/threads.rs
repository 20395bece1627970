//! What each thread of a serving daemon is left with, also one that nobody has asked
//! for anything yet.

use std::fs;
use std::time::{Duration, Instant};

use tallystick::daemon::sandbox::Role;

use crate::daemon::Daemon;

/// A thread, as the kernel tells it.
struct Thread(String);

impl Thread {
    fn all(daemon: &Daemon) -> Vec<Self> {
        let tasks = fs::read_dir(format!("/proc/{}/task", daemon.pid())).unwrap();
        // One may have ended meanwhile.
        tasks
            .filter_map(|task| fs::read_to_string(task.unwrap().path().join("status")).ok())
            .map(Self)
            .collect()
    }

    fn field(&self, name: &str) -> &str {
        let line = self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {name}")).trim()
    }
}

#[test]
fn every_thread_has_its_filter_and_no_capability_but_the_examiner_its_one() {
    if !rustix::process::geteuid().is_root() {
        return eprintln!("\n*** NOT TESTED: what is given up. Not root, so there is nothing to. ***\n");
    }
    let mut daemon = Daemon::prepare();
    let config = daemon.path("tallyd.toml");
    // Nobody has this uid, so the examiner is never asked.
    let rule = format!(
        "\n[[peer]]\nname = \"examined\"\nuid = 64001\nexecutable_sha256 = \"{}\"\nroles = [\"admin\"]\n",
        "00".repeat(32)
    );
    fs::write(&config, fs::read_to_string(&config).unwrap() + &rule).unwrap();
    daemon.launch("passphrase");
    let mut client = daemon.client();
    client.ping().unwrap();
    // The first thread enters its role last, when others serve already.
    let begun = Instant::now();
    let threads = loop {
        let threads = Thread::all(&daemon);
        let open = threads.iter().find(|thread| thread.field("Seccomp") != "2");
        let Some(open) = open else { break threads };
        assert!(begun.elapsed() < Duration::from_secs(60), "no filter: {}", open.0);
        std::thread::yield_now();
    };
    let has = |role: Role| threads.iter().any(|thread| thread.field("Name").starts_with(role.thread_name()));
    assert!([Role::Examiner, Role::Main, Role::Listener, Role::Connection].into_iter().all(has));
    for thread in &threads {
        let is_examiner = thread.field("Name") == Role::Examiner.thread_name();
        let kept = if is_examiner { Role::Examiner.capabilities().bits() } else { 0 };
        for set in ["CapPrm", "CapEff"] {
            let found = u64::from_str_radix(thread.field(set), 16).unwrap();
            assert_eq!(found & !kept, 0, "{set} of {}", thread.field("Name"));
        }
        for set in ["CapInh", "CapBnd", "CapAmb"] {
            assert_eq!(thread.field(set), "0000000000000000", "{set} of {}", thread.field("Name"));
        }
        assert_eq!(thread.field("NoNewPrivs"), "1", "{}", thread.field("Name"));
    }
    // CAP_SYS_PTRACE, by the number of it.
    assert_eq!(Role::Examiner.capabilities().bits(), 1 << 19);
}
