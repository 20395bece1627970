//! When the log has no room ahead, nothing new is taken on, and everybody is told.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tallystick::client::ClientError;
use tallystick::command::TokenView;
use tallystick::wire::Status;

use crate::daemon::{exported, good, run, small, started};
use crate::head_service::HeadService;
use crate::process::{Daemon, PAN, issue_of, provision, verify_of};

fn wait_for(daemon: &Daemon, wanted: &str) {
    let begun = Instant::now();
    while daemon.admin().status().unwrap().health != wanted {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", daemon.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, ClientError>) -> Status {
    result.unwrap_err().status().unwrap()
}

/// Reads PANs, each of which is recorded, until that is refused. How many were read.
fn fill(daemon: &Daemon, token: &TokenView) -> u64 {
    let mut client = daemon.client();
    let mut read = 0;
    loop {
        match client.detokenize(token.token) {
            Ok(card) => assert_eq!(card.pan.expose_digits(), PAN.as_bytes()),
            Err(error) => {
                let status = error.status().unwrap();
                assert!(matches!(status, Status::AuditUnwritable | Status::Unrecorded), "{status:?}");
                return read;
            }
        }
        read += 1;
        assert!(read < 100_000, "it never became full");
    }
}

/// Blocks the log, sees that everything says so, lets it go on, and sees that every
/// PAN that was read is recorded.
fn blocked_and_free_again(daemon: &mut Daemon, block: impl FnOnce(), free: impl FnOnce()) {
    let mut client = daemon.client();
    let token = provision(&mut client);
    let cryptogram = client.issue(issue_of(&token), None).unwrap().cryptogram;
    block();
    let mut read = fill(daemon, &token);
    // Red at once, and with every kind of question.
    assert_eq!(daemon.admin().status().unwrap().health, "audit_unwritable");
    assert!(daemon.admin().metrics().unwrap().contains("tally_healthy 0"));
    assert!(!run(daemon, &["status"]).status.success());
    let begun = Instant::now();
    while client.issue(issue_of(&token), None).is_ok() {
        // The engine is told within a tenth of a second.
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", daemon.log());
    }
    assert_eq!(refusal(client.issue(issue_of(&token), None)), Status::AuditUnwritable);
    assert_eq!(refusal(client.verify(verify_of(&token, cryptogram), None)), Status::AuditUnwritable);
    assert_eq!(refusal(client.detokenize(token.token)), Status::AuditUnwritable);
    assert_eq!(refusal(daemon.admin().clear_short_lock(token.token, None)), Status::AuditUnwritable);
    assert_eq!(client.show(token.token).unwrap().token, token.token, "reading goes on");
    assert_eq!(daemon.admin().status().unwrap().health, "audit_unwritable");

    free();
    wait_for(daemon, "serving");
    let begun = Instant::now();
    while let Err(error) = client.verify(verify_of(&token, cryptogram), None) {
        assert_eq!(error.status(), Some(Status::AuditUnwritable));
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", daemon.log());
    }
    client.detokenize(token.token).unwrap();
    read += 1;
    assert!(daemon.admin().metrics().unwrap().contains("tally_healthy 1"));
    assert!(daemon.stop().success());
    good(daemon);
    let records = exported(daemon);
    let done =
        records.iter().filter(|record| record["operation"] == "detokenize" && record["status"] == "ok");
    // One may have been recorded whose answer was withheld.
    let done = done.count() as u64;
    assert!(done == read || done == read + 1, "{done} recorded, {read} read");
    assert!(
        records.iter().any(|record| record["status"] == "audit_unwritable"),
        "refusals meanwhile are there"
    );
}

/// Works for anybody: the directory is taken away, so that no file can be named.
#[test]
fn a_log_that_cannot_be_written_stops_new_work_and_recovers() {
    let mut daemon = started(small);
    let (log, away) = (daemon.path("audit"), daemon.path("away"));
    blocked_and_free_again(
        &mut daemon,
        || fs::rename(&log, &away).unwrap(),
        || fs::rename(&away, &log).unwrap(),
    );
}

#[test]
fn a_full_file_system_stops_new_work_and_recovers_when_there_is_room() {
    let small_disk = tempfile::tempdir().unwrap();
    if !mount(small_disk.path(), "size=420k") {
        eprintln!("NOT TESTED: a full file system. It takes root, and a kernel that mounts a tmpfs.");
        return;
    }
    let _unmounted = Mounted(small_disk.path());
    let dir = small_disk.path().join("audit");
    let mut daemon = started(|config| small(config) + &format!("dir = {dir:?}\n"));
    blocked_and_free_again(&mut daemon, || (), || assert!(mount(small_disk.path(), "remount,size=8m")));
}

/// One that hangs is one that fails.
#[test]
fn what_keeps_the_head_and_does_not_answer_stops_new_work_and_recovers() {
    let service = HeadService::start();
    let mut daemon = started(|config| small(config) + &format!("service = {:?}\n", service.socket()));
    blocked_and_free_again(&mut daemon, || service.fall_silent(true), || service.fall_silent(false));
}

fn mount(at: &Path, options: &str) -> bool {
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).output();
    mounted.is_ok_and(|output| output.status.success())
}

struct Mounted<'p>(&'p Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}
