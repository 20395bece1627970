//! Keys into the daemon's memory and out of it: custodians, passphrases, sealing.

use std::collections::BTreeSet;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;

use serde_json::Value;
use tallystick::client::ClientError;
use tallystick::wire::{Custody, Opener, Status};

use crate::head_service::HeadService;
use crate::process::{Daemon, PASSPHRASE, issue_of, provision, tally, verify_of};

/// A run of `tally` on the directory, `input` on its standard input.
fn run(daemon: &Daemon, arguments: &[&str], input: &str) -> Output {
    let mut command = tally(daemon.dir.path(), arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that takes no input may have ended.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// What it tells in JSON, and its exit code.
fn told(daemon: &Daemon, arguments: &[&str], input: &str) -> (Value, i32) {
    let arguments: Vec<_> = ["--json"].iter().chain(arguments).copied().collect();
    let output = run(daemon, &arguments, input);
    let said = String::from_utf8(output.stdout).unwrap();
    let json = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{arguments:?}: {said}"));
    (json, output.status.code().unwrap())
}

fn done(daemon: &Daemon, arguments: &[&str], input: &str) -> Value {
    let (json, code) = told(daemon, arguments, input);
    assert_eq!((code, &json["ok"]), (0, &Value::Bool(true)), "{json}");
    json
}

fn refused(daemon: &Daemon, arguments: &[&str], input: &str, status: &str) {
    let (json, code) = told(daemon, arguments, input);
    assert_eq!((code, json["status"].as_str()), (1, Some(status)), "{json}");
}

/// Has shares open the keyring: the old opener in `opener`.
fn share_out(daemon: &Daemon, opener: &[&str], needed: &str, made: &str, out: &str) -> Vec<String> {
    let out = daemon.path(out);
    let mut arguments = vec!["shares", "make", "--needed", needed, "--made", made];
    arguments.extend(["--out", out.to_str().unwrap()]);
    arguments.extend(opener);
    let json = done(daemon, &arguments, PASSPHRASE);
    let files = json["files"].as_array().unwrap();
    assert_eq!(files.len().to_string(), made);
    files.iter().map(|file| file.as_str().unwrap().to_owned()).collect()
}

fn status_of(error: ClientError) -> Status {
    error.status().unwrap_or_else(|| panic!("{error}"))
}

#[test]
fn custodians_unseal_it_one_at_a_time_and_shared_anew_the_old_shares_are_void() {
    let mut daemon = Daemon::prepared(|config| config);
    let files = share_out(&daemon, &[], "2", "3", "shares");
    let shares: Vec<_> = files.iter().map(|file| fs::read_to_string(file).unwrap()).collect();
    // The passphrase opens nothing any more.
    let code = daemon.spawn().wait().unwrap().code();
    assert_eq!(code, Some(1));
    assert!(daemon.log().contains("opened by custodians"), "{}", daemon.log());
    for (number, file) in (1..).zip(&files) {
        let verified = done(&daemon, &["shares", "verify", "--share-file", file], "");
        assert_eq!((verified["share"].as_u64(), verified["needed"].as_u64()), (Some(number), Some(2)));
    }

    daemon.launch_sealed();
    let (status, code) = told(&daemon, &["status"], "");
    assert_eq!((code, status["health"].as_str()), (1, Some("sealed")));
    let mut client = daemon.client();
    client.ping().unwrap();
    refused(&daemon, &["token", "list", "--trid", "40010000001"], "", "sealed");
    let report = done(&daemon, &["unseal", "--report"], "");
    assert_eq!((&report["sealed"], report["given"].as_array().unwrap().len()), (&true.into(), 0));
    assert_eq!(done(&daemon, &["unseal"], &shares[1])["given"], serde_json::json!([2]));
    refused(&daemon, &["unseal"], &shares[1], "share_given");
    let mut mistyped = shares[0].trim_end().to_owned();
    let last = mistyped.pop().unwrap();
    mistyped.push(if last == '7' { '8' } else { '7' });
    refused(&daemon, &["unseal"], &mistyped, "share_malformed");
    // A wrong one has lost nothing: one more is enough, typed by hand.
    let typed = shares[2].lines().last().unwrap().to_lowercase().replace('-', " ");
    assert_eq!(done(&daemon, &["unseal"], &typed)["sealed"], false);
    assert_eq!(told(&daemon, &["status"], "").0["health"], "serving");
    let token = provision(&mut client);
    let cryptogram = client.issue(issue_of(&token), None).unwrap().cryptogram;

    assert_eq!(done(&daemon, &["seal"], "")["sealed"], true);
    assert_eq!(status_of(client.show(token.token).unwrap_err()), Status::Sealed);
    let opener: Vec<_> = ["--share-files", &files[0], &files[2]].to_vec();
    let newer = share_out(&daemon, &opener, "3", "5", "newer");
    let (json, code) = told(&daemon, &["shares", "verify", "--share-file", &files[0]], "");
    assert_eq!(code, 1);
    assert!(json["error"].as_str().unwrap().contains("share 1 belongs to another splitting"), "{json}");
    refused(&daemon, &["unseal"], &shares[0], "share_of_another");
    for (given, file) in newer[1..4].iter().enumerate() {
        let report = done(&daemon, &["unseal", "--file", file], "");
        assert_eq!(report["sealed"], given < 2, "{given}");
    }
    // The same connection, the same token, and what was issued before.
    client.verify(verify_of(&token, cryptogram), None).unwrap();
    assert_eq!(daemon.stop().code(), Some(0));
    let secret = shares[0].lines().last().unwrap();
    assert!(!daemon.log().contains(&secret[10..30]), "a share is in the log");
}

#[test]
fn shares_do_not_open_a_keyring_unless_they_are_enough() {
    let daemon = Daemon::prepared(|config| config);
    let files = share_out(&daemon, &[], "3", "4", "shares");
    let before = fs::read(daemon.path("keyring")).unwrap();
    let (json, code) = told(&daemon, &["rotate", "audit", "--share-files", &files[0], &files[1]], "");
    assert_eq!(code, 1);
    assert!(json["error"].as_str().unwrap().contains("2 of 3 shares"), "{json}");
    let twice = ["rotate", "audit", "--share-files", &files[0], &files[1], &files[1]];
    assert!(told(&daemon, &twice, "").0["error"].as_str().unwrap().contains("share 2 was given already"));
    assert_eq!(fs::read(daemon.path("keyring")).unwrap(), before);
    let enough = ["rotate", "audit", "--share-files", &files[0], &files[3], &files[1]];
    assert_eq!(done(&daemon, &enough, "")["version"], 2);
    // No share is overwritten, and the keyring goes on as it was if they can't be written.
    let before = fs::read(daemon.path("keyring")).unwrap();
    let out = daemon.path("shares");
    let again = ["shares", "make", "--needed", "2", "--made", "4", "--out", out.to_str().unwrap()];
    let again: Vec<_> = again.iter().chain(&enough[2..]).copied().collect();
    let (json, code) = told(&daemon, &again, "");
    assert_eq!(code, 1, "{json}");
    assert_eq!(fs::read(daemon.path("keyring")).unwrap(), before);
    done(&daemon, &["shares", "verify", "--share-file", &files[0]], "");
}

#[test]
fn a_changed_passphrase_opens_it_and_the_old_file_is_wiped() {
    let mut daemon = Daemon::prepared(|config| config);
    let mut old = fs::File::open(daemon.path("keyring")).unwrap();
    let length = old.metadata().unwrap().len();
    let newer = daemon.path("newer");
    fs::write(&newer, "another passphrase\n").unwrap();
    let newer = newer.to_str().unwrap();
    let (json, code) = told(&daemon, &["passphrase", "--new-passphrase-file", newer], "not the passphrase");
    assert_eq!(code, 1);
    assert!(json["error"].as_str().unwrap().contains("passphrase is wrong"), "{json}");
    let json = done(&daemon, &["passphrase", "--new-passphrase-file", newer], PASSPHRASE);
    assert_eq!(json["keys"].as_array().unwrap().len(), 5);
    assert!(json["keys"].as_array().unwrap().iter().all(|key| key["kcv"].as_str().unwrap().len() == 6));
    let mut bytes = Vec::new();
    old.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, vec![0; usize::try_from(length).unwrap()], "the old keyring can still be read");
    assert_eq!(daemon.spawn().wait().unwrap().code(), Some(1), "the old passphrase opens it");
    fs::copy(newer, daemon.path("passphrase")).unwrap();
    daemon.launch();
    let (json, code) = told(&daemon, &["passphrase", "--new-passphrase-file", newer], "another passphrase");
    assert_eq!(code, 1);
    assert!(json["error"].as_str().unwrap().contains("tallyd is running"), "{json}");
}

#[test]
fn the_passphrase_comes_as_a_credential_of_systemd_or_by_the_admin_socket() {
    let mut daemon = Daemon::prepared(|config| config);
    let credentials = daemon.path("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join("tallyd.passphrase"), PASSPHRASE).unwrap();
    daemon.launch_with(|command| command.env("CREDENTIALS_DIRECTORY", &credentials));
    provision(&mut daemon.client());
    daemon.stop();
    // A directory of credentials for others says nothing.
    fs::remove_file(credentials.join("tallyd.passphrase")).unwrap();
    daemon.launch_with(|command| command.env("CREDENTIALS_DIRECTORY", &credentials));
    refused(&daemon, &["unseal"], "not the passphrase", "opener_wrong");
    let mut data = daemon.client();
    let opener = || Custody::Unseal(Opener::Passphrase(PASSPHRASE.as_bytes()));
    assert_eq!(status_of(data.custody(&opener()).unwrap_err()), Status::AdminSocketOnly);
    assert_eq!(status_of(data.custody(&Custody::Seal).unwrap_err()), Status::AdminSocketOnly);
    assert_eq!(done(&daemon, &["unseal"], PASSPHRASE)["sealed"], false);
    assert_eq!(status_of(daemon.admin().custody(&opener()).unwrap_err()), Status::Unsealed);
    provision(&mut data);
    assert!(!daemon.log().contains(PASSPHRASE));
}

/// Lets the workers go, also when this thread fails.
struct Released<'r>(&'r AtomicUsize);

impl Drop for Released<'_> {
    fn drop(&mut self) {
        self.0.store(usize::MAX, Ordering::SeqCst);
    }
}

/// Every request is answered, with its result or as sealed; nothing acknowledged is
/// lost, and no counter is issued twice, however often it is sealed under load.
#[test]
fn sealing_under_load_loses_nothing_that_was_acknowledged() {
    const ROUNDS: usize = 3;
    let mut daemon = Daemon::start();
    let token = provision(&mut daemon.client());
    let (rounds, issued) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let cryptograms = std::thread::scope(|scope| {
        let (daemon, token, rounds, count) = (&daemon, &token, &rounds, &issued);
        let workers: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(move || {
                    let (mut client, mut issued) = (daemon.client(), Vec::new());
                    while rounds.load(Ordering::SeqCst) < ROUNDS {
                        match client.issue(issue_of(token), None) {
                            Ok(one) => {
                                issued.push(one.cryptogram);
                                count.fetch_add(1, Ordering::SeqCst);
                            }
                            Err(error) => match status_of(error) {
                                Status::Sealed | Status::Stopped => std::thread::yield_now(),
                                status => panic!("{status}"),
                            },
                        }
                    }
                    issued
                })
            })
            .collect();
        let _end = Released(rounds);
        let mut admin = daemon.admin();
        for round in 0..ROUNDS {
            let before = issued.load(Ordering::SeqCst);
            while issued.load(Ordering::SeqCst) < before + 50 {
                assert!(!workers.iter().any(ScopedJoinHandle::is_finished), "a worker failed");
                std::thread::yield_now();
            }
            assert!(admin.custody(&Custody::Seal).unwrap().sealed);
            assert_eq!(admin.status().unwrap().keys, []);
            let opener = Opener::Passphrase(PASSPHRASE.as_bytes());
            let unsealed = admin.custody(&Custody::Unseal(opener));
            assert!(!unsealed.unwrap_or_else(|error| panic!("{error}: {}", daemon.log())).sealed);
            rounds.store(round + 1, Ordering::SeqCst);
        }
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect::<Vec<_>>()
    });
    let counters: BTreeSet<_> = cryptograms.iter().map(|one| one.header().unwrap().atc).collect();
    assert_eq!(counters.len(), cryptograms.len(), "a counter was issued twice");
    let newest = cryptograms.iter().max_by_key(|one| one.header().unwrap().atc).unwrap();
    daemon.client().verify(verify_of(&token, *newest), None).unwrap();
    assert_eq!(daemon.stop().code(), Some(0));
}

/// Where it stands it may not ask any more when it is opened.
/// Its audit log waits for a service that does not answer, and gives that up after
/// seconds: sealing is through before.
#[test]
fn sealing_does_not_wait_for_a_service_that_hangs() {
    let service = HeadService::start();
    let table = format!("[audit]\nservice = {:?}\n", service.socket());
    let daemon = Daemon::start_with(|config| config + &table);
    provision(&mut daemon.client());
    service.fall_silent(true);
    let mut hanging = service.unanswered.recv().unwrap();
    let sealed = daemon.admin().custody(&Custody::Seal);
    hanging.set_nonblocking(true).unwrap();
    let still_waits = hanging.read(&mut [0]).unwrap_err().kind();
    assert_eq!(still_waits, ErrorKind::WouldBlock, "it was waited for");
    assert_eq!(status_of(sealed.unwrap_err()), Status::Unrecorded);
    assert!(daemon.admin().custody(&Custody::Report).unwrap().sealed);
    // And the log has it once it is open again.
    service.fall_silent(false);
    assert_eq!(done(&daemon, &["unseal"], PASSPHRASE)["sealed"], false);
    let log = run(&daemon, &["audit", "export"], "").stdout;
    let log = String::from_utf8(log).unwrap();
    assert!(log.lines().any(|line| line.contains("\"operation\":\"seal\"")), "{log}");
}

#[test]
fn one_that_was_started_on_a_relative_path_is_unsealed() {
    let mut daemon = Daemon::prepared(|config| config);
    let here = daemon.dir.path().to_owned();
    daemon.launch_with(|command| command.args(["--dir", "."]).current_dir(here));
    let mut unseal = tally(daemon.dir.path(), &["unseal", "--file"]);
    assert!(unseal.arg(daemon.path("passphrase")).status().unwrap().success());
    daemon.client().ping().unwrap();
    assert!(daemon.stop().success());
}

#[test]
fn no_second_daemon_takes_the_sockets_of_a_sealed_one() {
    let mut daemon = Daemon::prepared(|config| config);
    daemon.launch_sealed();
    assert_eq!(daemon.spawn().wait().unwrap().code(), Some(1));
    assert!(daemon.log().contains("a tallyd runs on this directory"), "{}", daemon.log());
    daemon.client().ping().unwrap();
    assert!(daemon.socket().exists());
}
