//! `tally rotate` and `tally reseal`: new keys for old.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tallystick::command::{ChangeStatus, Reseal};
use tallystick::crypto::{KeyPurpose, SystemRandom};
use tallystick::keys::{KeyInfo, OpenKeyring, SealedKeyring};
use tallystick::secmem::Region;
use tallystick::types::{IdempotencyKey, KeyVersion, StatusEvent, TokenNumber};
use tallystick::wire::Status;

use crate::bulk::Cards;
use crate::process::{Daemon, PASSPHRASE, issue_of, provision, tally, verify_of};

fn rotate(daemon: &Daemon, purpose: &str) -> Output {
    let passphrase = daemon.path("passphrase");
    let mut command = tally(daemon.dir.path(), &["rotate", "--json", purpose, "--passphrase-file"]);
    command.arg(passphrase).output().unwrap()
}

fn rotated(daemon: &Daemon, purpose: &str) -> Value {
    let output = rotate(daemon, purpose);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn reseal(daemon: &Daemon) -> Value {
    let output = tally(daemon.dir.path(), &["reseal", "--json"]).output().unwrap();
    assert_eq!(output.stderr, b"");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn opened(daemon: &Daemon) -> OpenKeyring {
    let sealed = SealedKeyring::from_bytes(&fs::read(daemon.path("keyring")).unwrap()).unwrap();
    sealed.open(&Region::new(64).unwrap(), &PASSPHRASE.as_bytes().to_vec().into()).unwrap()
}

/// Destroys a retiring version, while the daemon is stopped.
fn destroy(daemon: &Daemon, version: u8) {
    let mut keyring = opened(daemon);
    keyring.destroy(KeyPurpose::PanSealing, KeyVersion::new(version).unwrap()).unwrap();
    fs::write(daemon.path("keyring"), keyring.seal(&SystemRandom).unwrap().to_bytes()).unwrap();
}

/// The tokens of a file of cards, each with its PAN.
fn saved(daemon: &Daemon, cards: &Cards) -> Vec<(TokenNumber, String)> {
    assert!(cards.command(daemon).output().unwrap().status.success());
    let tokens = cards.rows().into_iter().map(|row| TokenNumber::parse(row[2].as_bytes()).unwrap());
    tokens.zip(cards.pans.iter().map(|(_, pan)| pan.clone())).collect()
}

fn assert_detokenize(daemon: &Daemon, tokens: &[(TokenNumber, String)]) {
    let mut client = daemon.client();
    for (token, pan) in tokens {
        assert_eq!(client.detokenize(*token).unwrap().pan.expose_digits(), pan.as_bytes());
    }
}

#[test]
fn a_rotation_is_refused_while_the_daemon_runs_and_for_what_must_last() {
    let mut daemon = Daemon::start();
    let before = fs::read(daemon.path("keyring")).unwrap();
    let refused = |daemon: &Daemon, purpose: &str, why: &str| {
        let output = rotate(daemon, purpose);
        assert_eq!(output.status.code(), Some(1));
        let told: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(told["error"].as_str().unwrap().contains(why), "{told}");
        assert_eq!(fs::read(daemon.path("keyring")).unwrap(), before);
    };
    refused(&daemon, "pan-sealing", "tallyd is running");
    daemon.stop();
    refused(&daemon, "par", "a card keeps its PAR for ever");
    refused(&daemon, "fingerprint", "a card keeps its fingerprint for ever");
    fs::write(daemon.path("passphrase"), "another passphrase").unwrap();
    refused(&daemon, "audit", "passphrase is wrong");
    assert_eq!(rotate(&daemon, "root").status.code(), Some(2));
}

#[test]
fn a_rotation_replaces_the_keyring_whole_and_changes_one_purpose() {
    let daemon = Daemon::prepared(|config| config);
    let before: Vec<KeyInfo> = opened(&daemon).infos().copied().collect();
    let old = fs::metadata(daemon.path("keyring")).unwrap();
    let files = || {
        let names = fs::read_dir(daemon.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name != "tally.db-lock").collect::<std::collections::BTreeSet<_>>()
    };
    let names = files();
    let told = rotated(&daemon, "token-derivation");
    assert_eq!((told["version"].as_u64(), told["keys"].as_array().unwrap().len()), (Some(2), 6));
    assert_eq!(files(), names);
    let new = fs::metadata(daemon.path("keyring")).unwrap();
    assert_eq!((new.permissions().mode() & 0o777, new.uid(), new.gid()), (0o600, old.uid(), old.gid()));
    assert_ne!(new.ino(), old.ino(), "it was written in place");
    let after: Vec<KeyInfo> = opened(&daemon).infos().copied().collect();
    let states = |infos: &[KeyInfo]| -> BTreeMap<_, _> {
        infos
            .iter()
            .map(|key| ((key.purpose, key.version), (key.state.name(), key.kcv.to_string())))
            .collect()
    };
    let (mut expected, after) = (states(&before), states(&after));
    let first = (KeyPurpose::TokenDerivation, KeyVersion::FIRST);
    let second = (KeyPurpose::TokenDerivation, KeyVersion::new(2).unwrap());
    expected.get_mut(&first).unwrap().0 = "retiring";
    assert_ne!(after[&second].1, after[&first].1, "the new key is the old one");
    expected.insert(second, after[&second].clone());
    assert_eq!(after[&second].0, "active");
    assert_eq!(after, expected);
    // What is told is what `tally status` tells.
    for key in told["keys"].as_array().unwrap() {
        let kcv = key["kcv"].as_str().unwrap();
        assert!(after.values().any(|(state, known)| known == kcv && *state == key["state"]));
    }
}

#[test]
fn after_rotations_everything_made_before_still_holds() {
    let mut daemon = Daemon::start();
    let mut client = daemon.client();
    let token = provision(&mut client);
    let key = IdempotencyKey::parse(b"order 1").ok();
    let kept = client.issue(issue_of(&token), key).unwrap();
    let used = client.issue(issue_of(&token), None).unwrap();
    client.verify(verify_of(&token, used.cryptogram), None).unwrap();
    daemon.stop();
    for purpose in ["audit", "token-derivation", "pan-sealing", "audit"] {
        rotated(&daemon, purpose);
    }
    daemon.launch();
    let mut client = daemon.client();
    assert_eq!(client.issue(issue_of(&token), key).unwrap(), kept);
    client.verify(verify_of(&token, kept.cryptogram), None).unwrap();
    let replayed = client.verify(verify_of(&token, used.cryptogram), None).unwrap_err();
    assert_eq!(replayed.status(), Some(Status::Replayed));
    let next = client.issue(issue_of(&token), None).unwrap().cryptogram;
    assert_eq!(next.header().unwrap().key_version.get(), 2);
    client.verify(verify_of(&token, next), None).unwrap();
    let shown = client.show(token.token).unwrap();
    assert_eq!((shown.par, shown.fingerprint), (token.par, token.fingerprint));
    let again = provision(&mut client);
    assert_eq!(again.fingerprint, shown.fingerprint);
    assert_eq!(client.detokenize(token.token).unwrap().pan.expose_digits(), crate::process::PAN.as_bytes());
}

#[test]
fn interrupted_and_resumed_no_row_is_left_under_the_old_key() {
    let mut daemon = Daemon::start();
    let cards = Cards::write(&daemon, 3000);
    let tokens = saved(&daemon, &cards);
    daemon.stop();
    assert_eq!(rotated(&daemon, "pan-sealing")["version"], 2);
    daemon.launch();
    // SIGINT in the middle.
    let command = tally(daemon.dir.path(), &["reseal"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut admin = daemon.admin();
    while !admin.metrics().unwrap().contains("operation=\"reseal\"") {
        std::thread::sleep(Duration::from_millis(1));
    }
    kill_process(Pid::from_child(&command), Signal::INT).unwrap();
    let output = command.wait_with_output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("interrupted after") && said.contains("goes on"), "{said}");
    // SIGKILL of the daemon in the middle of what another begins.
    let first = admin.reseal(Reseal { after: None, limit: 100 }, None).unwrap();
    assert_eq!((first.resealed, first.next), (0, Some(99)), "the first rows are done");
    admin.reseal(Reseal { after: Some(2499), limit: 100 }, None).unwrap();
    daemon.kill();
    daemon.launch();
    let done = reseal(&daemon);
    assert_eq!((&done["ok"], &done["looked_at"], &done["version"]), (&true.into(), &3000.into(), &2.into()));
    let resealed = done["resealed"].as_u64().unwrap();
    assert!((1..=2800).contains(&resealed), "{resealed}");
    assert_eq!(reseal(&daemon)["resealed"], 0);
    daemon.stop();
    destroy(&daemon, 1);
    daemon.launch();
    assert_detokenize(&daemon, &tokens);
}

#[test]
fn without_re_sealing_the_old_key_is_needed_and_its_loss_is_told() {
    let mut daemon = Daemon::start();
    let cards = Cards::write(&daemon, 250);
    let tokens = saved(&daemon, &cards);
    daemon.stop();
    rotated(&daemon, "pan-sealing");
    daemon.launch();
    daemon.admin().reseal(Reseal { after: None, limit: 100 }, None).unwrap();
    daemon.stop();
    destroy(&daemon, 1);
    daemon.launch();
    assert_detokenize(&daemon, &tokens[..100]);
    let lost = daemon.client().detokenize(tokens[100].0).unwrap_err();
    assert_eq!(lost.status(), Some(Status::KeyVersion));
    let output = tally(daemon.dir.path(), &["reseal"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stdout).unwrap().contains("150 PANs do not open"));
}

/// Workers suspend, resume and detokenize while every row is re-sealed again and
/// again: none of them ever fails, and what was acknowledged stays.
#[test]
fn changes_beside_re_sealing_never_fail_and_are_never_lost() {
    const WORKERS: usize = 3;
    const STEP: usize = 6;
    let mut daemon = Daemon::start();
    let cards = Cards::write(&daemon, 300);
    let tokens = saved(&daemon, &cards);
    let mut statuses = vec!["active"; tokens.len()];
    for round in 1..=3u8 {
        daemon.stop();
        rotated(&daemon, "pan-sealing");
        daemon.launch();
        let (stop, position) = (AtomicBool::new(false), AtomicUsize::new(0));
        let (resealed, changed) = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..WORKERS)
                .map(|worker| {
                    let (mut client, tokens) = (daemon.client(), &tokens);
                    let (stop, position) = (&stop, &position);
                    scope.spawn(move || {
                        let mut changed = BTreeMap::new();
                        let mut seed = usize::from(round) * 7919 + worker;
                        while !stop.load(Ordering::Relaxed) {
                            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                            // Each worker has tokens of its own, so that it knows their status; it
                            // takes those that are re-sealed just now, so that they meet.
                            let row = position.load(Ordering::Relaxed) + (seed >> 33) % STEP;
                            let nth = row.min(tokens.len() - 1) / WORKERS * WORKERS + worker;
                            let (token, pan) = &tokens[nth];
                            let (event, status) = match seed >> 60 & 1 {
                                0 => (StatusEvent::Suspend, "suspended"),
                                _ => (StatusEvent::Resume, "active"),
                            };
                            let change = ChangeStatus { token: *token, provider: None, event };
                            let view = client.change_status(change, None).unwrap();
                            assert_eq!(view.providers.overall().name(), status);
                            changed.insert(nth, status);
                            let card = client.detokenize(*token).unwrap();
                            assert_eq!(card.pan.expose_digits(), pan.as_bytes());
                        }
                        changed
                    })
                })
                .collect();
            let mut admin = daemon.admin();
            let (mut after, mut resealed) = (None, 0);
            loop {
                let told = admin.reseal(Reseal { after, limit: STEP as u8 }, None).unwrap();
                assert_eq!((told.version.get(), told.unopened), (round + 1, 0));
                resealed += told.resealed;
                after = told.next;
                let Some(last) = after else { break };
                position.store(last as usize + 1, Ordering::Relaxed);
            }
            stop.store(true, Ordering::Relaxed);
            let changed: Vec<_> = workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect();
            (resealed, changed)
        });
        assert_eq!(resealed, 300);
        assert!(changed.len() > 10, "the workers did nothing");
        for (nth, status) in changed {
            statuses[nth] = status;
        }
        daemon.stop();
        destroy(&daemon, round);
        daemon.launch();
        assert_detokenize(&daemon, &tokens);
        let mut client = daemon.client();
        for ((token, _), status) in tokens.iter().zip(&statuses) {
            assert_eq!(client.show(*token).unwrap().providers.overall().name(), *status);
        }
    }
}

#[test]
fn re_sealing_is_for_an_admin_on_the_admin_socket() {
    let all = "roles = [\"provisioner\", \"issuer\", \"verifier\", \"detokenizer\", \"auditor\", \"admin\"]";
    let daemon =
        Daemon::start_with(|config| config.replace(all, "roles = [\"provisioner\", \"detokenizer\"]"));
    let ask = Reseal { after: None, limit: 1 };
    let status = |told: Result<_, tallystick::client::ClientError>| told.map(|_| ()).unwrap_err().status();
    assert_eq!(status(daemon.client().reseal(ask, None)), Some(Status::AdminSocketOnly));
    assert_eq!(status(daemon.admin().reseal(ask, None)), Some(Status::RoleMissing));
    let owner = Daemon::start();
    assert_eq!(status(owner.client().reseal(ask, None)), Some(Status::AdminSocketOnly));
    assert_eq!(owner.admin().reseal(ask, None).unwrap().next, None);
}
