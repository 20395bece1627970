//! A full disk: nothing new is taken on, reading goes on, and it recovers.

use std::fs::{self, File};
use std::time::{Duration, Instant};

use rustix::fs::{FallocateFlags, fallocate, statvfs};
use tallystick::client::{Client, ClientError};
use tallystick::command::{Command, Reply};
use tallystick::types::IdempotencyKey;
use tallystick::wire::Status;

use crate::process::{Daemon, PAN, issue_of, provision, tally, verify_of};

const MIB: u64 = 1 << 20;

fn health(daemon: &Daemon) -> String {
    daemon.admin().status().unwrap().health
}

fn wait_for(daemon: &Daemon, wanted: &str) {
    let begun = Instant::now();
    while health(daemon) != wanted {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, ClientError>) -> Status {
    result.unwrap_err().status().unwrap()
}

/// What counts as full is set just below what is free; then a file takes more than
/// the difference, as any other program might.
#[test]
fn nothing_new_is_taken_on_reading_goes_on_and_it_recovers_without_loss() {
    let found = statvfs(std::env::temp_dir()).unwrap();
    let free = found.f_bavail * found.f_frsize;
    let full = free.saturating_sub(1024 * MIB);
    let daemon = Daemon::start_with(|config| format!("{config}\n[limits]\nfree_bytes = {full}\n"));
    let mut client = daemon.client();
    let token = provision(&mut client);
    let key = IdempotencyKey::parse(b"before").unwrap();
    let before = client.issue(issue_of(&token), Some(key)).unwrap().cryptogram;
    assert_eq!(health(&daemon), "serving");

    let ballast = daemon.path("ballast");
    fallocate(File::create(&ballast).unwrap(), FallocateFlags::empty(), 0, 3072 * MIB).unwrap();
    wait_for(&daemon, "storage_full");
    assert_eq!(refusal(client.issue(issue_of(&token), None)), Status::StorageFull);
    assert_eq!(refusal(client.verify(verify_of(&token, before), None)), Status::StorageFull);
    assert!(daemon.admin().metrics().unwrap().contains("tally_healthy 0"));
    assert!(!tally(daemon.dir.path(), &["status"]).output().unwrap().status.success());
    reads(&mut client, &token);
    // What its key was answered before is answered again.
    let again = client.issue(issue_of(&token), Some(key)).unwrap().cryptogram;
    assert_eq!(again.as_bytes(), before.as_bytes());

    fs::remove_file(ballast).unwrap();
    wait_for(&daemon, "serving");
    client.verify(verify_of(&token, before), None).unwrap();
    let next = client.issue(issue_of(&token), None).unwrap().cryptogram;
    assert_eq!(next.header().unwrap().atc.get(), 2, "a refused issue burns no counter");
    assert!(daemon.admin().metrics().unwrap().contains("tally_healthy 1"));
}

fn reads(client: &mut Client<std::os::unix::net::UnixStream>, token: &tallystick::command::TokenView) {
    assert_eq!(client.detokenize(token.token).unwrap().pan.expose_digits(), PAN.as_bytes());
    let shown = client.call(&Command::Show(token.token), None).unwrap();
    assert!(matches!(shown, Reply::Token(view) if view.token == token.token));
}
