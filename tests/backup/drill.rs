//! The drill: a backup made under load, restored elsewhere, and used.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tallystick::client::ClientError;
use tallystick::command::{ChangeStatus, Command as Ask, TokenView};
use tallystick::types::{Cryptogram, DeactivationReason, StatusEvent};
use tallystick::wire::Status;

use crate::process::{Daemon, PAN, issue_of, provision, tally, verify_of};

const SECRET: &str = "of the backup, and of nothing else";

fn backup_of(daemon: &Daemon, arguments: &[&str]) -> Command {
    fs::write(daemon.path("backup-passphrase"), SECRET).unwrap();
    let mut command = tally(daemon.dir.path(), &["--json", "backup"]);
    command.args(arguments).arg("--backup-passphrase-file").arg(daemon.path("backup-passphrase"));
    command
}

fn backup(daemon: &Daemon, arguments: &[&str]) -> Output {
    backup_of(daemon, arguments).output().unwrap()
}

fn succeeded(output: Output) -> serde_json::Value {
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&told).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// What was acknowledged before the backup began.
struct Known {
    tokens: Vec<TokenView>,
    suspended: TokenView,
    deleted: TokenView,
    used: (TokenView, Cryptogram),
    unused: (TokenView, Cryptogram),
}

fn known(daemon: &Daemon) -> Known {
    let mut client = daemon.client();
    let mut tokens: Vec<TokenView> = (0..300).map(|_| provision(&mut client)).collect();
    let mut change = |token: &TokenView, event| {
        client.change_status(ChangeStatus { token: token.token, provider: None, event }, None).unwrap();
    };
    let (suspended, deleted) = (tokens.pop().unwrap(), tokens.pop().unwrap());
    change(&suspended, StatusEvent::Suspend);
    change(&deleted, StatusEvent::Deactivate(DeactivationReason::Requested));
    let issued = |client: &mut tallystick::client::Client<_>, token: &TokenView| {
        (token.clone(), client.issue(issue_of(token), None).unwrap().cryptogram)
    };
    let (used, unused) = (issued(&mut client, &tokens[0]), issued(&mut client, &tokens[1]));
    client.verify(verify_of(&used.0, used.1), None).unwrap();
    Known { tokens, suspended, deleted, used, unused }
}

/// Issues and verifies until told to stop; how often it did.
fn load(daemon: &Daemon, token: &TokenView, stop: &AtomicBool, done: &AtomicU64) {
    let mut client = daemon.client();
    while !stop.load(Ordering::Relaxed) {
        let cryptogram = client.issue(issue_of(token), None).unwrap().cryptogram;
        client.verify(verify_of(token, cryptogram), None).unwrap();
        provision(&mut client);
        done.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn what_was_acknowledged_before_a_backup_under_load_is_there_after_it_was_restored() {
    let mut daemon = Daemon::start();
    let known = known(&daemon);
    let file = daemon.path("the.backup");
    let (stop, done) = (AtomicBool::new(false), AtomicU64::new(0));
    let made = std::thread::scope(|scope| {
        for token in &known.tokens[10..13] {
            scope.spawn(|| load(&daemon, token, &stop, &done));
        }
        let wait_for = |count| {
            while done.load(Ordering::Relaxed) < count {
                std::thread::yield_now();
            }
        };
        wait_for(5);
        let made = succeeded(backup(&daemon, &["create", "--out", text(&file)]));
        // It goes on meanwhile and afterwards.
        let before = done.load(Ordering::Relaxed);
        wait_for(before + 5);
        stop.store(true, Ordering::Relaxed);
        made
    });
    let verified = succeeded(backup(&daemon, &["verify", text(&file)]));
    assert_eq!(verified["group"], made["group"]);
    let again = backup(&daemon, &["create", "--out", text(&file)]);
    assert!(String::from_utf8_lossy(&again.stdout).contains("not overwritten"));
    let lost = provision(&mut daemon.client());
    is_recorded(&daemon);
    assert!(daemon.stop().success());

    nothing_is_plain(&file, &known);
    let away = tempfile::tempdir().unwrap();
    let dir = away.path().join("restored");
    succeeded(backup(&daemon, &["restore", text(&file), "--dir", text(&dir)]));
    let twice = backup(&daemon, &["restore", text(&file), "--dir", text(&dir)]);
    assert!(String::from_utf8_lossy(&twice.stdout).contains("not empty"));
    restored(&daemon, &dir, &known, &lost);
}

/// Starts on what was restored, and checks everything that was known.
fn restored(daemon: &Daemon, dir: &Path, known: &Known, lost: &TokenView) {
    let passphrase = daemon.path("passphrase");
    let mut elsewhere = Elsewhere { dir, child: None };
    // Alone it does not serve: it is older than what its anchor knew.
    let ended = elsewhere.spawn(&passphrase).wait().unwrap();
    assert_eq!(ended.code(), Some(1));
    assert!(elsewhere.log().contains("the anchor of the database is missing"), "{}", elsewhere.log());
    let restore = tally(dir, &["restore", "--passphrase-file", text(&passphrase)]).output().unwrap();
    assert!(restore.status.success(), "{}", String::from_utf8_lossy(&restore.stderr));
    elsewhere.launch(&passphrase);
    let mut client = tallystick::client::Client::connect(&dir.join("tallyd.sock"), "test").unwrap();
    for token in &known.tokens {
        assert_eq!(client.show(token.token).unwrap(), *token);
        assert_eq!(client.detokenize(token.token).unwrap().pan.expose_digits(), PAN.as_bytes());
    }
    let status = |result: Result<_, ClientError>| result.map(|_| ()).unwrap_err().status().unwrap();
    assert_eq!(status(client.issue(issue_of(&known.suspended), None)), Status::TokenSuspended);
    assert_eq!(status(client.issue(issue_of(&known.deleted), None)), Status::TokenDeactivated);
    assert_eq!(status(client.issue(issue_of(lost), None)), Status::UnknownToken);
    // Older cryptograms are void, used or not; new ones pass once.
    for (token, cryptogram) in [&known.used, &known.unused] {
        let refused = client.verify(verify_of(token, *cryptogram), None).map(drop);
        assert_eq!(refused.unwrap_err().status(), Some(Status::KeyVersion));
        let fresh = client.issue(issue_of(token), None).unwrap().cryptogram;
        client.verify(verify_of(token, fresh), None).unwrap();
        let again = client.verify(verify_of(token, fresh), None).map(drop);
        assert_eq!(again.unwrap_err().status(), Some(Status::Replayed));
    }
    drop(client);
    elsewhere.stop();
    let report = tally(dir, &["--json", "audit", "verify", "--passphrase-file", text(&passphrase)]);
    let report = succeeded({ report }.output().unwrap());
    assert_eq!(report["ok"], true);
}

/// That a backup was made stands in the audit log.
fn is_recorded(daemon: &Daemon) {
    let export = tally(daemon.dir.path(), &["audit", "export"]).output().unwrap();
    let export = String::from_utf8(export.stdout).unwrap();
    let begun = export.lines().filter(|line| line.contains("backup_begin") && line.contains("done"));
    assert_eq!(begun.count(), 1, "{export}");
}

fn nothing_is_plain(file: &Path, known: &Known) {
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o7777, 0o600);
    let bytes = fs::read(file).unwrap();
    let token = known.tokens[0].token.to_string();
    for plain in
        [PAN.as_bytes(), token.as_bytes(), b"SQLite format", b"tallykey", b"bin_controller", b"token_range"]
    {
        assert!(!bytes.windows(plain.len()).any(|window| window == plain));
    }
    assert!(bytes.windows(8).any(|window| window == b"tallybak"), "the search finds what is there");
}

/// A daemon on another directory.
struct Elsewhere<'d> {
    dir: &'d Path,
    child: Option<std::process::Child>,
}

impl Elsewhere<'_> {
    fn spawn(&self, passphrase: &Path) -> std::process::Child {
        let log = fs::OpenOptions::new().append(true).create(true).open(self.dir.join("log")).unwrap();
        Command::new(env!("CARGO_BIN_EXE_tallyd"))
            .arg("--dir")
            .arg(self.dir)
            .arg("--passphrase-file")
            .arg(passphrase)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    fn launch(&mut self, passphrase: &Path) {
        self.child = Some(self.spawn(passphrase));
        let begun = Instant::now();
        while std::os::unix::net::UnixStream::connect(self.dir.join("tallyd.sock")).is_err() {
            assert!(self.child.as_mut().unwrap().try_wait().unwrap().is_none(), "{}", self.log());
            assert!(begun.elapsed() < Duration::from_secs(60), "{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn stop(&mut self) {
        let mut child = self.child.take().unwrap();
        kill_process(Pid::from_raw(child.id() as i32).unwrap(), Signal::TERM).unwrap();
        assert!(child.wait().unwrap().success(), "{}", self.log());
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }
}

impl Drop for Elsewhere<'_> {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

#[test]
fn a_backup_that_was_changed_or_cut_off_restores_nothing() {
    let daemon = Daemon::start();
    let mut client = daemon.client();
    (0..300).for_each(|_| drop(provision(&mut client)));
    let file = daemon.path("the.backup");
    succeeded(backup(&daemon, &["create", "--out", text(&file)]));
    let good = fs::read(&file).unwrap();
    assert!(good.len() > 70_000, "more than one chunk");
    let away = tempfile::tempdir().unwrap();
    let dir = away.path().join("restored");
    let mut last = good.clone();
    *last.last_mut().unwrap() ^= 1;
    let (cut, at_chunk) = (good[..good.len() - 1].to_vec(), good[..40 + 65_552].to_vec());
    for bad in [last, cut, at_chunk] {
        fs::write(&file, &bad).unwrap();
        for task in [&["verify", text(&file)][..], &["restore", text(&file), "--dir", text(&dir)]] {
            let output = backup(&daemon, task);
            assert_eq!(output.status.code(), Some(1));
            let told = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(told.contains("changed"), "{told}");
        }
        assert_eq!(fs::read_dir(away.path()).unwrap().count(), 0, "nothing is left of it");
    }
    fs::write(&file, &good).unwrap();
    fs::write(daemon.path("other"), "another passphrase").unwrap();
    let wrong = tally(daemon.dir.path(), &["backup", "verify", text(&file), "--backup-passphrase-file"])
        .arg(daemon.path("other"))
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("the passphrase is wrong"));
}

/// The daemon stands still while the signal comes, so that it comes in the middle.
#[test]
fn an_interrupted_backup_leaves_nothing() {
    let daemon = Daemon::start();
    provision(&mut daemon.client());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("the.backup");
    let pid = Pid::from_raw(daemon.pid() as i32).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    let mut command = backup_of(&daemon, &["create", "--out", text(&file)]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    // Until it handles SIGINT, which is the second bit.
    while !handles_interrupts(child.id()) {
        assert!(begun.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_raw(child.id() as i32).unwrap(), Signal::INT).unwrap();
    kill_process(pid, Signal::CONT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    // The daemon serves, and makes another.
    succeeded(backup(&daemon, &["create", "--out", text(&file)]));
}

fn handles_interrupts(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    caught.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 2 != 0)
}

/// A backup that is taken slowly holds an older state, and with it the log. That is no
/// want of room: the daemon goes on, past the length that the log was given.
#[test]
fn a_slow_backup_stops_nobody_and_only_one_is_made_at_a_time() {
    let daemon = Daemon::start_with(|config| config + "\n[limits]\nlog_bytes = 4194304\n");
    let (mut client, mut admin, mut other) = (daemon.client(), daemon.admin(), daemon.admin());
    (0..600).for_each(|_| drop(provision(&mut client)));
    let begun = admin.backup_begin().unwrap();
    assert_eq!(other.backup_begin().unwrap_err().status(), Some(Status::Busy));
    assert_eq!(other.backup_next().unwrap_err().status(), Some(Status::NoBackup));
    assert_eq!(client.backup_begin().unwrap_err().status(), Some(Status::AdminSocketOnly));
    let log = || fs::metadata(daemon.path("tally.db-wal")).unwrap().len();
    let (before, started) = (log(), Instant::now());
    while log() < before + (2 << 20) {
        for _ in 0..50 {
            client.submit(&Ask::Provision(Box::new(crate::process::card())), None).unwrap();
        }
        for _ in 0..50 {
            client.receive().unwrap().1.unwrap();
        }
        assert!(started.elapsed() < Duration::from_secs(25), "the log has not grown");
    }
    assert_eq!(other.status().unwrap().health, "serving");
    let mut pieces = 0;
    while admin.backup_next().unwrap().is_some() {
        pieces += 1;
    }
    assert!(pieces >= 4, "{pieces}");
    assert_eq!(admin.backup_next().unwrap_err().status(), Some(Status::NoBackup));
    assert!(admin.status().unwrap().durable_group > begun.group);
}
