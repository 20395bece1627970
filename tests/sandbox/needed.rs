//! Every call on the lists is made, and no other.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use tallystick::client::Client;
use tallystick::command::{Command as Ask, Issue};
use tallystick::crypto::KeyPurpose;
use tallystick::daemon::sandbox::Role;
use tallystick::types::Transaction;
use tallystick::wire::MAX_BATCH;
use tempfile::TempDir;

use crate::daemon::Daemon;
use crate::load::{Load, card, random_pan};
use crate::trace::{Used, can_trace, tracing, used};

/// The user and the group of a second admin.
pub const SECOND: u32 = 64_100;

/// Not to be brought about at will: the first depends on two threads meeting, the
/// second on the clock of the machine, the third on how much glibc was given back at
/// once before, the fourth on a pass that comes to the log's end before the next commit.
const BY_CHANCE: [&str; 4] = ["sched_yield", "clock_gettime", "mremap", "ftruncate"];

/// What a connection may call and need not do so here, and why it may: the rest of its
/// calls, shared ones too, a thread of a connection has made.
const NOT_OF_A_CONNECTION: [(&str, &str); 11] = [
    ("mmap", "a large buffer; how large, glibc changes its mind about"),
    ("rt_sigreturn", "a signal comes to whichever thread"),
    ("restart_syscall", "it waits without a limit, but when it waits for room"),
    ("exit_group", "one that cannot be confined ends the process"),
    ("fallocate", "whoever commits at the log's end makes it longer: mostly the committer"),
    ("fchmod", "then"),
    ("fsync", "then"),
    ("newfstatat", "then"),
    ("ftruncate", "its commit fails, and it closes the store"),
    ("unlink", "then"),
    ("unlinkat", "then, elsewhere than on x86"),
];

#[test]
fn the_calls_that_are_made_are_those_that_are_listed() {
    if !can_trace() || !rustix::process::geteuid().is_root() {
        return eprintln!("\n*** NOT TESTED: which system calls are made. Not root, or no strace. ***\n");
    }
    let disk = SmallDisk::mount();
    let mut daemon = Daemon::prepare_in(TempDir::new_in(disk.0.path()).unwrap());
    let service = Service::start(&daemon.path("anchor-service"));
    let auditor = Service::start(&daemon.path("audit-service"));
    // What is missing on a list is then told below, and not by the daemon's end.
    let config = daemon.path("tallyd.toml");
    let digest = "00".repeat(32);
    let text = format!(
        "{}\n[sandbox]\nenforce = false\n[keys]\ngrace_seconds = 0\n\
         [limits]\nlog_bytes = {}\nfree_bytes = 0\nconnections = 80\n\
         [anchor]\nservice = {:?}\n[audit]\nfile_bytes = 131072\nservice = {:?}\n\
         [[peer]]\nname = \"examined\"\ngid = {SECOND}\nexecutable_sha256 = \"{digest}\"\nroles = [\"admin\"]\n\
         [[peer]]\nname = \"second\"\ngid = {SECOND}\nroles = [\"admin\"]\n",
        fs::read_to_string(&config).unwrap().replacen("name = \"owner\"\n", "name = \"owner\"\ngid = 0\n", 1),
        4 << 20,
        daemon.path("anchor-service"),
        daemon.path("audit-service"),
    );
    fs::write(config, text).unwrap();
    // The log begins anew, with small files.
    fs::remove_dir_all(daemon.path("audit")).unwrap_or_default();
    fs::remove_file(daemon.path("audit-head")).unwrap_or_default();
    // Not on the small disk, which it would fill.
    let traces = TempDir::with_prefix("tally-trace-").unwrap();
    let trace = traces.path().join("trace");
    exercise(&mut daemon, [&service, &auditor], &trace);
    let told = differences(&used(&fs::read_to_string(&trace).unwrap()));
    assert!(told.is_empty(), "{told}");
}

/// What is made but not listed, and what is listed but not made.
fn differences(used: &Used) -> String {
    let made_by_any: BTreeSet<&str> = used.values().flatten().map(String::as_str).collect();
    let mut told = String::new();
    for role in Role::ALL {
        let made: BTreeSet<&str> = used.get(&role).into_iter().flatten().map(String::as_str).collect();
        let name = |call: &str| call.trim_start_matches("SYS_").to_owned();
        let listed: BTreeSet<String> = role.calls().map(|call| name(call.name)).collect();
        let missing: Vec<_> = made.iter().filter(|call| !listed.contains(**call)).collect();
        // A connection is what strangers speak to: of it, the shared ones too.
        let of_role: Vec<String> = match role {
            Role::Connection => listed.iter().cloned().collect(),
            _ => role.own_calls().iter().map(|call| name(call.name)).collect(),
        };
        let excused = |call: &String| {
            let is_unseen = NOT_OF_A_CONNECTION.iter().any(|(unseen, _)| unseen == call);
            BY_CHANCE.contains(&call.as_str()) || role == Role::Connection && is_unseen
        };
        let idle: Vec<_> =
            of_role.iter().filter(|call| !made.contains(call.as_str()) && !excused(call)).collect();
        if !missing.is_empty() || !idle.is_empty() {
            told += &format!("{role}: not listed {missing:?}, never made {idle:?}\n");
        }
    }
    for (call, _) in NOT_OF_A_CONNECTION.iter().filter(|(call, _)| !call.starts_with("unlink")) {
        let is_listed = Role::Connection.calls().any(|listed| listed.name == format!("SYS_{call}"));
        assert!(is_listed, "a connection may not call {call} any more");
    }
    let shared = Role::shared_calls().into_iter().flatten();
    let shared = shared.map(|call| call.name.trim_start_matches("SYS_"));
    let idle: Vec<_> =
        shared.filter(|call| !made_by_any.contains(call) && !BY_CHANCE.contains(call)).collect();
    if idle.is_empty() { told } else { format!("{told}several threads: never made {idle:?}\n") }
}

/// Everything that the daemon does, and everything that may go wrong.
fn exercise(daemon: &mut Daemon, services: [&Service; 2], trace: &Path) {
    let mut load = Load::new();
    daemon.launch("passphrase");
    load.save_cards(daemon);
    daemon.stop();
    crate::admin::rotate_long_ago(daemon, KeyPurpose::TokenDerivation);
    daemon.rotate("pan-sealing");
    daemon.launch_by(tracing(trace), "-");
    drop(load.work(daemon));
    // First, while no group has made the log longer.
    fill_the_disk(daemon);
    come_in_numbers(daemon);
    let mut checkpoints = 0;
    while checkpoints < 4 {
        save_many(daemon, 100);
        checkpoints = wait_for_checkpoint(daemon, checkpoints);
    }
    stop_and_go_on(daemon);
    run_out_of_descriptors(daemon);
    services.iter().for_each(|service| service.is_failing.store(true, Ordering::Relaxed));
    save_many(daemon, 8);
    wait_for_log(daemon, "the anchor service cannot be written");
    services.iter().for_each(|service| service.is_failing.store(false, Ordering::Relaxed));
    crate::admin::administer(daemon);
    daemon.hears("WATCHDOG=1");
    let inside = daemon.client();
    daemon.stop();
    drop(inside);
}

/// More connections at a time than the allocator has arenas, so that some share the
/// first thread's.
fn come_in_numbers(daemon: &Daemon) {
    let mut client = daemon.client();
    let view = client.provision(card(&random_pan(&mut fastrand::Rng::new())), None).unwrap();
    let issue = Issue { token: view.token, trid: view.trid, transaction: Transaction::UNKNOWN };
    // Until one is too many, and is told so; others may just be leaving.
    let socket = daemon.path("tallyd.sock");
    let mut open: Vec<_> = std::iter::from_fn(|| Client::connect(&socket, "test").ok()).collect();
    assert!(open.len() >= 64, "{} fit in", open.len());
    for client in &mut open {
        client.issue_batch(&vec![(issue, None); MAX_BATCH]).unwrap();
    }
}

/// Waits while nothing else is asked until the log has gone into the database once
/// more, if it is about to.
fn wait_for_checkpoint(daemon: &Daemon, before: u64) -> u64 {
    let mut admin = daemon.admin();
    let begun = Instant::now();
    loop {
        let metrics = admin.metrics().unwrap();
        let line = metrics.lines().find(|line| line.starts_with("tally_checkpoints_total"));
        let now = line.unwrap().split(' ').next_back().unwrap().parse().unwrap();
        if now > before || begun.elapsed() > Duration::from_millis(300) {
            return now;
        }
    }
}

/// Stopped and continued while its threads wait.
fn stop_and_go_on(daemon: &Daemon) {
    let pid = Pid::from_raw(daemon.pid() as i32).unwrap();
    for _ in 0..20 {
        kill_process(pid, Signal::STOP).unwrap();
        kill_process(pid, Signal::CONT).unwrap();
        daemon.client().ping().unwrap();
    }
}

/// No descriptor is left for one more connection; then there are enough again.
fn run_out_of_descriptors(daemon: &Daemon) {
    let pid = Pid::from_raw(daemon.pid() as i32);
    // None has a number so low.
    let few = Rlimit { current: Some(4), maximum: Some(4096) };
    prlimit(pid, Resource::Nofile, few).unwrap();
    let waiting = UnixStream::connect(daemon.path("tallyd.sock")).unwrap();
    wait_for_log(daemon, "could not be accepted");
    prlimit(pid, Resource::Nofile, Rlimit { current: Some(1024), maximum: Some(4096) }).unwrap();
    drop(waiting);
    daemon.client().ping().unwrap();
}

/// Many cards in one group.
fn save_many(daemon: &Daemon, count: usize) {
    let mut random = fastrand::Rng::new();
    let mut client = daemon.client();
    for _ in 0..count {
        client.submit(&Ask::Provision(Box::new(card(&random_pan(&mut random)))), None).unwrap();
    }
    client.flush().unwrap();
    for _ in 0..count {
        client.receive().unwrap().1.unwrap();
    }
}

/// Takes what is left of the disk, of which the daemon may be taking some too.
pub fn fill_up(daemon: &Daemon) -> PathBuf {
    let ballast = daemon.path("ballast");
    let (file, mut taken, begun) = (File::create(&ballast).unwrap(), 0, Instant::now());
    loop {
        let found = statvfs(daemon.dir.path()).unwrap();
        let left = found.f_bavail * found.f_frsize;
        if left == 0 {
            return ballast;
        }
        match fallocate(&file, FallocateFlags::empty(), taken, left) {
            Ok(()) => taken += left,
            // It was less in the meantime.
            Err(Errno::NOSPC) => assert!(begun.elapsed() < Duration::from_secs(60), "{left} bytes are left"),
            Err(error) => panic!("{error}"),
        }
    }
}

/// A group that needs a longer log finds no room, waits, and is written.
fn fill_the_disk(daemon: &Daemon) {
    let ballast = fill_up(daemon);
    std::thread::scope(|scope| {
        let saving = scope.spawn(|| save_many(daemon, 500));
        wait_for_log(daemon, "the disk is full");
        fs::remove_file(ballast).unwrap();
        saving.join().unwrap();
    });
}

fn wait_for_log(daemon: &Daemon, text: &str) {
    let begun = Instant::now();
    while !daemon.log().contains(text) {
        assert!(begun.elapsed() < Duration::from_secs(60), "no {text:?} in {}", daemon.log());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A disk of 64 MiB.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Self {
        let dir = TempDir::with_prefix("tally-sandbox-").unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).arg(dir.path());
        assert!(mount.status().unwrap().success());
        Self(dir)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

/// Keeps an anchor in memory, and now and then does not.
struct Service {
    is_failing: Arc<AtomicBool>,
}

impl Service {
    fn start(socket: &Path) -> Self {
        let is_failing = Arc::new(AtomicBool::new(false));
        let (listener, fails) = (UnixListener::bind(socket).unwrap(), Arc::clone(&is_failing));
        std::thread::spawn(move || {
            let mut kept = "none".to_owned();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut question = String::new();
                BufReader::new(&stream).read_line(&mut question).unwrap();
                let answer = match question.trim_end().strip_prefix("put ") {
                    _ if fails.load(Ordering::Relaxed) => "no",
                    Some(anchor) => {
                        kept = anchor.to_owned();
                        "ok"
                    }
                    None => &kept,
                };
                let _ = writeln!(stream, "{answer}");
            }
        });
        Self { is_failing }
    }
}
