//! Older copies put back: of the database, of the anchor, of both; and two
//! daemons on one directory.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tallystick::client::ClientError;
use tallystick::types::Cryptogram;
use tallystick::wire::Status;

use crate::process::{Daemon, issue_of, provision, tally, verify_of};

const STATE: [&str; 3] = ["tally.db", "anchor", "keyring"];

/// Copies what a stopped daemon has.
fn saved(daemon: &Daemon, name: &str) {
    for file in STATE {
        fs::copy(daemon.path(file), daemon.path(&format!("{file}.{name}"))).unwrap();
    }
}

fn put_back(daemon: &Daemon, files: &[&str], name: &str) {
    for file in files {
        fs::copy(daemon.path(&format!("{file}.{name}")), daemon.path(file)).unwrap();
    }
}

/// Starts a daemon that must not come to serve, and what it says last.
fn refuses(daemon: &Daemon) -> String {
    let before = daemon.log().len();
    let status = daemon.spawn().wait().unwrap();
    assert_eq!(status.code(), Some(1), "{}", daemon.log());
    daemon.log()[before..].to_owned()
}

/// A stopped daemon that has been used in two runs; what it was after the first
/// is kept as `old`, after the second as `new`. A cryptogram of the second run,
/// not verified yet, and its token.
fn used(daemon: &mut Daemon) -> (tallystick::command::TokenView, Cryptogram) {
    let token = provision(&mut daemon.client());
    daemon.client().issue(issue_of(&token), None).unwrap();
    assert!(daemon.stop().success());
    saved(daemon, "old");
    daemon.launch();
    let issued = daemon.client().issue(issue_of(&token), None).unwrap();
    assert!(daemon.stop().success());
    saved(daemon, "new");
    (token, issued.cryptogram)
}

#[test]
fn an_older_database_anchor_or_keyring_is_refused_and_the_right_ones_serve() {
    let mut daemon = Daemon::start();
    let (token, cryptogram) = used(&mut daemon);
    put_back(&daemon, &["tally.db"], "old");
    assert!(refuses(&daemon).contains("the database is older than its anchor"), "{}", daemon.log());
    put_back(&daemon, &["tally.db"], "new");
    put_back(&daemon, &["anchor"], "old");
    assert!(refuses(&daemon).contains("the anchor is older than the database"), "{}", daemon.log());
    fs::remove_file(daemon.path("anchor")).unwrap();
    assert!(refuses(&daemon).contains("the anchor of the database is missing"), "{}", daemon.log());
    fs::write(daemon.path("anchor"), [7; 8192]).unwrap();
    assert!(refuses(&daemon).contains("the anchor is damaged"), "{}", daemon.log());
    put_back(&daemon, &["anchor"], "new");
    fs::remove_file(daemon.path("tally.db")).unwrap();
    assert!(refuses(&daemon).contains("the database is older than its anchor"), "{}", daemon.log());
    put_back(&daemon, &["tally.db"], "new");
    daemon.launch();
    daemon.client().verify(verify_of(&token, cryptogram), None).unwrap();
}

#[test]
fn an_older_copy_is_refused_though_nothing_was_done_since() {
    let mut daemon = Daemon::start();
    assert!(daemon.stop().success());
    saved(&daemon, "old");
    daemon.launch();
    assert!(daemon.stop().success());
    saved(&daemon, "new");
    put_back(&daemon, &["anchor"], "old");
    assert!(refuses(&daemon).contains("the anchor is older than the database"), "{}", daemon.log());
    put_back(&daemon, &["anchor"], "new");
    put_back(&daemon, &["tally.db"], "old");
    assert!(refuses(&daemon).contains("the database is older than its anchor"), "{}", daemon.log());
}

#[test]
fn an_older_copy_within_one_run_is_refused() {
    let mut daemon = Daemon::start();
    let token = provision(&mut daemon.client());
    let mut client = daemon.client();
    client.issue(issue_of(&token), None).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    fs::copy(daemon.path("anchor"), daemon.path("anchor.old")).unwrap();
    client.issue(issue_of(&token), None).unwrap();
    // The anchor follows within its interval, and what is committed then knows it.
    std::thread::sleep(Duration::from_millis(500));
    client.issue(issue_of(&token), None).unwrap();
    daemon.kill();
    put_back(&daemon, &["anchor"], "old");
    assert!(refuses(&daemon).contains("the anchor is older than the database"), "{}", daemon.log());
}

/// Both put back with a file anchor alone cannot be told: this is what the threat
/// model says, and what a service is for.
#[test]
fn both_put_back_is_told_by_a_service_only() {
    let mut daemon = Daemon::start();
    used(&mut daemon);
    put_back(&daemon, &["tally.db", "anchor"], "old");
    daemon.launch();
    drop(daemon);

    let socket = tempfile::tempdir().unwrap();
    let socket = socket.path().join("anchor.sock");
    let kept = serve_anchor(&socket);
    let text = format!("[anchor]\nservice = {socket:?}\n");
    let mut daemon = Daemon::start_with(|config| config + &text);
    let (token, cryptogram) = used(&mut daemon);
    put_back(&daemon, &["tally.db", "anchor"], "old");
    assert!(refuses(&daemon).contains("the database is older than its anchor"), "{}", daemon.log());
    put_back(&daemon, &["tally.db", "anchor"], "new");
    let newest = kept.lock().unwrap().replace("none".to_owned());
    assert!(refuses(&daemon).contains("the anchor of the database is missing"), "{}", daemon.log());
    *kept.lock().unwrap() = newest;
    daemon.launch();
    daemon.client().verify(verify_of(&token, cryptogram), None).unwrap();
}

/// A service that keeps an anchor in memory.
fn serve_anchor(socket: &Path) -> Arc<Mutex<Option<String>>> {
    let kept = Arc::new(Mutex::new(None));
    let (listener, shared) = (UnixListener::bind(socket).unwrap(), Arc::clone(&kept));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut question = String::new();
            BufReader::new(&stream).read_line(&mut question).unwrap();
            let mut kept = shared.lock().unwrap();
            let answer = match question.trim_end().strip_prefix("put ") {
                Some(anchor) => {
                    *kept = Some(anchor.to_owned());
                    "ok".to_owned()
                }
                None => kept.clone().unwrap_or("none".to_owned()),
            };
            writeln!(stream, "{answer}").unwrap();
        }
    });
    kept
}

fn restore(daemon: &Daemon, more: &[&str]) -> std::process::Output {
    let passphrase = daemon.path("passphrase");
    tally(daemon.dir.path(), &["restore"])
        .arg("--passphrase-file")
        .arg(passphrase)
        .args(more)
        .output()
        .unwrap()
}

/// Before it opens the keyring: what it read there could be changed meanwhile.
#[test]
fn restore_begins_with_the_lock() {
    let daemon = Daemon::start();
    fs::write(daemon.path("passphrase"), "none that opens it").unwrap();
    let output = restore(&daemon, &[]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("tallyd is running on this directory"), "{said}");
}

#[test]
fn restore_is_the_way_on_and_no_counter_collides() {
    let mut daemon = Daemon::start();
    let (token, lost) = used(&mut daemon);
    put_back(&daemon, &["tally.db"], "old");
    refuses(&daemon);
    let output = restore(&daemon, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    daemon.launch();
    let mut client = daemon.client();
    // The counter of the lost cryptogram comes again, under another key.
    let issued = client.issue(issue_of(&token), None).unwrap().cryptogram;
    assert_eq!(issued.header().unwrap().atc, lost.header().unwrap().atc);
    assert_ne!(issued.as_bytes(), lost.as_bytes());
    let refused = client.verify(verify_of(&token, lost), None).unwrap_err();
    assert!(matches!(&refused, ClientError::Refused(Status::KeyVersion, _)), "{refused}");
    client.verify(verify_of(&token, issued), None).unwrap();
    // The keys that were destroyed are not brought back.
    assert!(daemon.stop().success());
    put_back(&daemon, &["keyring"], "new");
    assert!(refuses(&daemon).contains("the keyring is older than the anchor"), "{}", daemon.log());
}

#[test]
fn a_copy_is_brought_back_and_an_interrupted_bringing_goes_on() {
    let mut daemon = Daemon::start();
    used(&mut daemon);
    fs::rename(daemon.path("tally.db.old"), daemon.path("backup")).unwrap();
    // What an interruption leaves: a part, and of that a part that is not right.
    let mut part = fs::read(daemon.path("backup")).unwrap();
    part.truncate(9000);
    part[5000] ^= 1;
    fs::write(daemon.path("tally.db-restoring"), part).unwrap();
    let backup = daemon.path("backup");
    let output = restore(&daemon, &["--from", backup.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!fs::exists(daemon.path("tally.db-restoring")).unwrap());
    let kept = fs::read_dir(daemon.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(kept.into_iter().any(|name| name.to_string_lossy().starts_with("tally.db-replaced-")));
    daemon.launch();
    let running = restore(&daemon, &["--from", backup.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&running.stderr).contains("tallyd is running"));
}

#[test]
fn a_stalled_daemon_that_comes_back_is_fenced() {
    let mut first = Daemon::start();
    let mut client = first.client();
    let token = provision(&mut client);
    let before = client.issue(issue_of(&token), None).unwrap().cryptogram;
    let pid = Pid::from_raw(first.pid() as i32).unwrap();
    kill_process(pid, Signal::STOP).unwrap();
    // While its locks are there nobody gets in; somebody who knows better removes them.
    let second = first.spawn().wait().unwrap();
    assert_eq!(second.code(), Some(1));
    fs::remove_file(first.path("tallyd-lock")).unwrap();
    let locked = first.spawn().wait().unwrap();
    assert_eq!(locked.code(), Some(1));
    assert!(first.log().contains("in use by another process"), "{}", first.log());
    fs::remove_file(first.path("tally.db-lock")).unwrap();
    fs::remove_file(first.path("tallyd-lock")).unwrap();
    fs::remove_file(first.socket()).unwrap();
    let mut second = first.spawn();
    let begun = Instant::now();
    let mut newer = loop {
        match std::os::unix::net::UnixStream::connect(first.socket()) {
            Ok(_) => break first.client(),
            Err(_) => assert!(begun.elapsed() < Duration::from_secs(60), "{}", first.log()),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let after = newer.issue(issue_of(&token), None).unwrap().cryptogram;
    assert!(after.header().unwrap().atc > before.header().unwrap().atc);
    kill_process(pid, Signal::CONT).unwrap();
    // The first one's connection still stands: it must not issue on it.
    assert!(client.issue(issue_of(&token), None).is_err());
    let ended = first.wait();
    assert_eq!(ended.code(), Some(1), "{}", first.log());
    assert!(first.log().contains("fenced off"), "{}", first.log());
    let next = newer.issue(issue_of(&token), None).unwrap().cryptogram;
    assert_eq!(next.header().unwrap().atc.get(), after.header().unwrap().atc.get() + 1);
    second.kill().unwrap();
    second.wait().unwrap();
}
