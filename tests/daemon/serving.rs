//! Serving, stopping, being killed, and coming back.

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};

use tallystick::command::{ChangeStatus, Command, List, Reply};
use tallystick::daemon::options::Options;
use tallystick::engine::EngineError;
use tallystick::types::{Cryptogram, DeactivationReason, IdempotencyKey, StatusEvent};
use tallystick::wire::Status;

use crate::process::{Daemon, card, issue_of, provision, trid, verify_of};

#[test]
fn sockets_store_and_keyring_have_their_modes() {
    let daemon = Daemon::start();
    let mode = |name| std::fs::metadata(daemon.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("tallyd.sock"), 0o660);
    assert_eq!(mode("admin.sock"), 0o600);
    for file in ["keyring", "tallyd.toml", "tally.db", "tally.db-wal"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

#[test]
fn status_tells_what_a_reviewer_asks_first() {
    let daemon = Daemon::start();
    let report = daemon.admin().status().unwrap();
    assert_eq!(report.health, "serving");
    assert!(["memfd_secret", "mlock"].contains(&report.protection.as_str()));
    assert_eq!((report.dumpable, report.no_new_privs, report.core_limit), (false, true, Some(0)));
    assert_eq!(report.keys.len(), 5);
    assert!(report.keys.iter().all(|key| key.state == "active" && key.kcv.len() == 6));
    // The kernel agrees: a process that is not dumpable belongs to root.
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", daemon.pid())).unwrap();
    assert!(limits.lines().any(|line| line.starts_with("Max core file size") && line.contains(" 0 ")));
}

#[test]
fn metrics_by_frame_and_by_http() {
    let daemon = Daemon::start();
    let mut client = daemon.client();
    let token = provision(&mut client);
    client.issue(issue_of(&token), None).unwrap();
    let text = daemon.admin().metrics().unwrap();
    assert!(text.contains("tally_requests_total{operation=\"issue\",status=\"ok\"} 1"), "{text}");
    assert!(text.contains("tally_tokens 1"), "{text}");
    let mut http = UnixStream::connect(daemon.path("admin.sock")).unwrap();
    http.write_all(b"GET /metrics HTTP/1.1\r\nHost: tally\r\n\r\n").unwrap();
    let mut answer = String::new();
    http.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("tally_commit_seconds_count"),
        "{answer}"
    );
}

#[test]
fn stopping_in_order_under_load_loses_nothing_acknowledged() {
    let mut daemon = Daemon::start();
    let token = provision(&mut daemon.client());
    let stop = AtomicBool::new(false);
    let mut acknowledged: Vec<Cryptogram> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let (mut client, token, stop) = (daemon.client(), &token, &stop);
                scope.spawn(move || {
                    let mut issued = Vec::new();
                    // Until the daemon closes the connection.
                    while let Ok(answer) = client.issue(issue_of(token), None) {
                        issued.push(answer.cryptogram);
                        stop.store(true, Ordering::Release);
                    }
                    issued
                })
            })
            .collect();
        while !stop.load(Ordering::Acquire) {
            std::thread::yield_now();
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert!(daemon.stop().success(), "{}", daemon.log());
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });
    assert!(!daemon.path("tallyd.sock").exists(), "the socket was left behind");
    daemon.launch();
    let mut client = daemon.client();
    acknowledged.sort_by_key(|one| one.header().unwrap().atc);
    let newest = acknowledged.last().unwrap().header().unwrap().atc.get();
    for pair in acknowledged.windows(2) {
        let [one, next] = [pair[0], pair[1]].map(|one| one.header().unwrap().atc.get());
        assert!(
            one < next,
            "{one} then {next}, {} in all: {:02x?} {:02x?}",
            acknowledged.len(),
            pair[0].as_bytes(),
            pair[1].as_bytes()
        );
    }
    assert_eq!(acknowledged.len(), newest as usize, "counters were burnt or repeated");
    for cryptogram in &acknowledged {
        client.verify(verify_of(&token, *cryptogram), None).unwrap();
    }
    let next = client.issue(issue_of(&token), None).unwrap().cryptogram;
    assert_eq!(next.header().unwrap().atc.get(), newest + 1);
}

#[test]
fn killed_and_started_again_it_knows_everything() {
    let mut daemon = Daemon::start();
    let mut client = daemon.client();
    let (token, gone) = (provision(&mut client), provision(&mut client));
    let end = StatusEvent::Deactivate(DeactivationReason::Requested);
    let delete = ChangeStatus { token: gone.token, provider: None, event: end };
    client.token(&Command::ChangeStatus(delete), None).unwrap();
    let key = IdempotencyKey::parse(b"order 1").ok();
    let first = client.issue(issue_of(&token), key).unwrap();
    client.verify(verify_of(&token, first.cryptogram), None).unwrap();
    daemon.kill();
    daemon.launch();
    let mut client = daemon.client();
    assert_eq!(client.issue(issue_of(&token), key).unwrap(), first);
    let replayed = client.verify(verify_of(&token, first.cryptogram), None);
    assert_eq!(replayed.err().and_then(|error| error.status()), Some(Status::Replayed));
    let next = client.issue(issue_of(&token), None).unwrap().cryptogram;
    assert_eq!(next.header().unwrap().atc.get(), 2);
    let Reply::Page(page) =
        client.call(&Command::List(List { trid: trid(), after: None, limit: 10 }), None).unwrap()
    else {
        panic!()
    };
    assert_eq!(page.tokens.iter().map(|view| view.token).collect::<Vec<_>>(), [token.token, gone.token]);
    assert_eq!(page.tokens[1].providers.overall().name(), "deactivated");
    assert_eq!(daemon.admin().status().unwrap().epoch, 2);
}

#[test]
fn pipelined_changes_take_effect_in_their_order() {
    let daemon = Daemon::start();
    let mut client = daemon.client();
    let token = provision(&mut client);
    let change = |event| Command::ChangeStatus(ChangeStatus { token: token.token, provider: None, event });
    for command in [
        change(StatusEvent::Suspend),
        Command::Issue(issue_of(&token)),
        change(StatusEvent::Resume),
        Command::Issue(issue_of(&token)),
        Command::Provision(Box::new(card())),
        Command::Show(token.token),
    ] {
        client.submit(&command, None).unwrap();
    }
    let statuses: Vec<_> =
        (0..6).map(|_| client.receive().unwrap().1.err().and_then(|error| error.status())).collect();
    assert_eq!(statuses, [None, Some(Status::TokenSuspended), None, None, None, None]);
}

#[test]
fn batches_answer_each_item() {
    let daemon = Daemon::start();
    let mut client = daemon.client();
    let token = provision(&mut client);
    let issues = [(issue_of(&token), None); 100];
    let issued = client.issue_batch(&issues).unwrap();
    let mut verifies: Vec<_> =
        issued.into_iter().map(|issued| (verify_of(&token, issued.unwrap().cryptogram), None)).collect();
    verifies.push(verifies[99]);
    let verdicts = client.verify_batch(&verifies).unwrap();
    assert!(verdicts[..100].iter().all(Result::is_ok));
    assert_eq!(verdicts[100], Err(Status::Replayed));
}

#[test]
fn racing_connections_verify_a_cryptogram_once() {
    let daemon = Daemon::start();
    let mut client = daemon.client();
    let token = provision(&mut client);
    for _ in 0..20 {
        let cryptogram = client.issue(issue_of(&token), None).unwrap().cryptogram;
        let start = std::sync::Barrier::new(2);
        let accepted = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..2)
                .map(|_| {
                    let mut client = daemon.client();
                    let (token, start) = (&token, &start);
                    scope.spawn(move || {
                        start.wait();
                        client.verify(verify_of(token, cryptogram), None).is_ok()
                    })
                })
                .collect();
            racers.into_iter().map(|racer| usize::from(racer.join().unwrap())).sum::<usize>()
        });
        assert_eq!(accepted, 1);
    }
}

#[test]
fn two_requests_with_one_key_at_once_are_executed_once() {
    let daemon = Daemon::start();
    let mut client = daemon.client();
    let token = provision(&mut client);
    for round in 0..20u32 {
        let name = format!("order {round}");
        let start = std::sync::Barrier::new(2);
        let issued = std::thread::scope(|scope| {
            let racers = [(); 2].map(|()| {
                let mut client = daemon.client();
                let (token, start, name) = (&token, &start, &name);
                scope.spawn(move || {
                    start.wait();
                    client.issue(issue_of(token), IdempotencyKey::parse(name.as_bytes()).ok()).unwrap()
                })
            });
            racers.map(|racer| racer.join().unwrap())
        });
        assert_eq!(issued[0], issued[1]);
        assert_eq!(issued[0].cryptogram.header().unwrap().atc.get(), round + 1, "a counter was burnt");
    }
}

#[test]
fn a_second_daemon_on_one_directory_is_refused() {
    let daemon = Daemon::start();
    let status = daemon.spawn().wait().unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(daemon.log().contains("a tallyd runs on this directory"), "{}", daemon.log());
    provision(&mut daemon.client());
}

#[test]
fn a_wrong_passphrase_or_a_changed_keyring_does_not_serve() {
    let daemon = Daemon::prepared(|config| config);
    std::fs::write(daemon.path("passphrase"), "another passphrase").unwrap();
    assert_eq!(daemon.spawn().wait().unwrap().code(), Some(1));
    assert!(daemon.log().contains("passphrase is wrong"), "{}", daemon.log());
    std::fs::write(daemon.path("passphrase"), crate::process::PASSPHRASE).unwrap();
    let mut keyring = std::fs::read(daemon.path("keyring")).unwrap();
    let last = keyring.len() - 1;
    keyring[last] ^= 1;
    std::fs::write(daemon.path("keyring"), keyring).unwrap();
    assert_eq!(daemon.spawn().wait().unwrap().code(), Some(1));
    assert!(daemon.log().contains("not authentic"), "{}", daemon.log());
}

#[test]
fn a_wrong_configuration_names_its_field_and_does_not_serve() {
    let daemon = Daemon::prepared(|config| config.replace("max_age_slots = 144", "max_age_slots = 40000"));
    assert_eq!(daemon.spawn().wait().unwrap().code(), Some(1));
    assert!(daemon.log().contains("cryptogram.max_age_slots: must be 1 to 32767"), "{}", daemon.log());
}

#[test]
fn a_failed_self_test_refuses_to_serve() {
    let daemon = Daemon::prepared(|config| config);
    let options = Options {
        wait: std::time::Duration::ZERO,
        dir: daemon.dir.path().to_owned(),
        config: None,
        passphrase_file: Some(daemon.path("passphrase")),
    };
    let failing = || Err(EngineError::SelfTest(tallystick::crypto::SelfTestError("HMAC-SHA-256")));
    let result = tallystick::daemon::run(&options, failing);
    assert!(result.unwrap_err().to_string().contains("self-test of HMAC-SHA-256 failed"));
    assert!(!daemon.socket().exists() && !daemon.path("tally.db").exists());
}
