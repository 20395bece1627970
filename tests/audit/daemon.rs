//! What the real daemon records, and what its log is worth afterwards.

use std::fs;
use std::os::unix::net::UnixStream;
use std::process::Output;

use serde_json::Value;
use tallystick::audit::{self, Event};
use tallystick::client::ClientError;
use tallystick::command::{Command, HoldCard, Renew};
use tallystick::types::{CardHandle, Expiry, HoldSeconds, Pan};
use tallystick::wire::Status;

use crate::process::{Daemon, PAN, issue_of, provision, tally, verify_of};

/// Small files, so that there are some.
pub fn small(config: String) -> String {
    format!("{config}\n[audit]\nfile_bytes = 131072\n")
}

pub fn run(daemon: &Daemon, arguments: &[&str]) -> Output {
    tally(daemon.dir.path(), arguments).output().unwrap()
}

/// A daemon whose configuration was there before its log was begun.
pub fn started(edit: impl FnOnce(String) -> String) -> Daemon {
    let mut daemon = Daemon::prepared(edit);
    fs::remove_dir_all(daemon.path("audit")).unwrap();
    fs::remove_file(daemon.path("audit-head")).unwrap();
    fs::remove_file(daemon.path("keyring")).unwrap();
    let passphrase = daemon.path("passphrase");
    let output = run(&daemon, &["init", "--passphrase-file", passphrase.to_str().unwrap()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    daemon.launch();
    daemon
}

/// `tally audit verify` in JSON, with the passphrase or without, and its exit code.
pub fn verified(daemon: &Daemon, keyed: bool) -> (Value, Option<i32>) {
    let passphrase = daemon.path("passphrase");
    let mut arguments = vec!["--json", "audit", "verify"];
    if keyed {
        arguments.extend(["--passphrase-file", passphrase.to_str().unwrap()]);
    }
    let output = run(daemon, &arguments);
    let text = String::from_utf8(output.stdout).unwrap();
    let report = serde_json::from_str(&text);
    (
        report.unwrap_or_else(|_| panic!("{text}{}", String::from_utf8_lossy(&output.stderr))),
        output.status.code(),
    )
}

pub fn good(daemon: &Daemon) -> Value {
    let [bare, keyed] = [false, true].map(|keyed| verified(daemon, keyed));
    assert_eq!(bare.1, Some(0), "{}", bare.0);
    assert_eq!(keyed.1, Some(0), "{}", keyed.0);
    assert_eq!(bare.0["link"], keyed.0["link"]);
    keyed.0
}

/// `tally audit export`, a value for each line.
pub fn exported(daemon: &Daemon) -> Vec<Value> {
    let output = run(daemon, &["audit", "export"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn has(records: &[Value], kind: &str, operation: &str, status: &str) -> bool {
    let same = |record: &Value| {
        record["kind"] == kind && record["operation"] == operation && record["status"] == status
    };
    records.iter().any(same)
}

fn refusal<T: std::fmt::Debug>(result: Result<T, ClientError>) -> Status {
    result.unwrap_err().status().unwrap()
}

#[test]
fn what_is_done_and_refused_is_recorded_and_nothing_secret_is() {
    let mut daemon = started(small);
    let (mut client, mut admin) = (daemon.client(), daemon.admin());
    let token = provision(&mut client);
    let cryptogram = client.issue(issue_of(&token), None).unwrap().cryptogram;
    client.verify(verify_of(&token, cryptogram), None).unwrap();
    assert_eq!(refusal(client.verify(verify_of(&token, cryptogram), None)), Status::Replayed);
    assert_eq!(refusal(client.clear_short_lock(token.token, None)), Status::AdminSocketOnly);
    client.detokenize(token.token).unwrap();
    admin.clear_short_lock(token.token, None).unwrap();
    let expiry = Expiry::parse(b"4911").unwrap();
    client.renew(Renew { token: token.token, expiry }, None).unwrap();
    let card = || Pan::parse(PAN.as_bytes()).unwrap();
    for guess in [Command::Fingerprint(card()), Command::Par(card()), Command::Par(card())] {
        client.submit(&guess, None).unwrap();
    }
    client.flush().unwrap();
    (0..3).for_each(|_| drop(client.receive().unwrap().1.unwrap()));
    // Holding a card tells what guessing at it would, and is counted as that is.
    let seconds = HoldSeconds::new(1).unwrap();
    client.hold_card(HoldCard { pan: card(), expiry, seconds }).unwrap();
    assert_eq!(refusal(client.release_card(CardHandle::from_bytes([7; 16]))), Status::UnknownHold);
    admin.status().unwrap();
    assert_eq!(refusal(client.status()), Status::AdminSocketOnly);
    // Somebody takes a card's number for a token's.
    let pan = tallystick::types::TokenNumber::parse(PAN.as_bytes()).unwrap();
    assert_eq!(refusal(client.show(pan)), Status::UnknownToken);
    assert!(daemon.stop().success());

    let records = exported(&daemon);
    for (kind, operation, status) in [
        ("refused", "verify", "replayed"),
        ("refused", "clear_short_lock", "admin_socket_only"),
        ("refused", "status", "admin_socket_only"),
        ("refused", "show", "unknown_token"),
        ("done", "detokenize", "ok"),
        ("done", "clear_short_lock", "ok"),
        ("done", "renew", "ok"),
        ("counted", "fingerprint", "ok"),
        ("counted", "par", "ok"),
        ("counted", "hold_card", "ok"),
        ("refused", "release_card", "unknown_hold"),
        ("counted", "status", "ok"),
    ] {
        assert!(has(&records, kind, operation, status), "{kind} {operation} {status}: {records:#?}");
    }
    assert_eq!((&records[0]["kind"], &records[0]["operation"]), (&"at_rest".into(), &"init".into()));
    assert_eq!(records[1]["kind"], "started");
    assert_eq!(records.last().unwrap()["kind"], "stopped");
    let masked = format!("xxxxxxxxxxxx{}", String::from_utf8_lossy(&token.token.last_four()));
    assert!(records.iter().any(|record| record["subject"] == masked.as_str()));

    let report = good(&daemon);
    assert_eq!(report["last"], records.len());
    let raw: Vec<u8> = audit::files(&daemon.path("audit"))
        .unwrap()
        .into_iter()
        .flat_map(|first| fs::read(daemon.path("audit").join(audit::file_name(first))).unwrap())
        .collect();
    let token_digits = token.token.to_string();
    for secret in
        [PAN.as_bytes(), token_digits.as_bytes(), cryptogram.as_bytes(), &cryptogram.as_bytes()[8..]]
    {
        assert!(!raw.windows(secret.len()).any(|window| window == secret));
    }
    assert!(raw.windows(7).any(|window| window == b"xxxxxxx"), "the search finds what is there");
}

/// Every group of the journal is in the log by its MAC, and the other way round.
#[test]
fn the_digest_of_each_group_is_the_one_in_the_journal() {
    let mut daemon = started(|config| small(config) + "[anchor]\ninterval_milliseconds = 60000\n");
    let mut client = daemon.client();
    let token = provision(&mut client);
    for _ in 0..40 {
        client.issue(issue_of(&token), None).unwrap();
    }
    assert!(daemon.stop().success());
    let mut recorded = std::collections::BTreeMap::new();
    let mut stood = None;
    audit::verify(&daemon.path("audit"), None, &[], None, &mut |seen| match &seen.event {
        Some(Event::Groups(groups)) => {
            for (number, mac) in (groups.first..).zip(groups.macs.chunks(32)) {
                assert!(recorded.insert(number, mac.to_vec()).is_none(), "group {number} twice");
            }
        }
        Some(Event::Stopped(stand)) => stood = Some(stand.clone()),
        _ => {}
    })
    .unwrap();
    let database = rusqlite::Connection::open(daemon.path("tally.db")).unwrap();
    let mut rows = database.prepare("SELECT number, mac FROM journal").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let rows: Vec<(u64, Vec<u8>)> =
        rows.map(|row: rusqlite::Result<(i64, _)>| row.map(|(n, mac)| (n as u64, mac)).unwrap()).collect();
    assert!(rows.len() >= 41, "{}", rows.len());
    for (number, mac) in &rows {
        assert_eq!(recorded.get(number), Some(mac), "group {number}");
    }
    let stood = stood.unwrap();
    let last = rows.iter().max().unwrap();
    assert_eq!((stood.group, stood.mac.to_vec()), (last.0, last.1.clone()));
}

/// Killed right after its answer, the record is there; and the chain goes on.
#[test]
fn what_was_answered_is_recorded_whenever_it_is_killed() {
    let mut daemon = started(small);
    let token = provision(&mut daemon.client());
    for round in 1..=6 {
        let mut client = daemon.client();
        client.detokenize(token.token).unwrap();
        daemon.kill();
        let records = exported(&daemon);
        let done = records.iter().filter(|record| record["kind"] == "done").count();
        assert_eq!(done, round, "{records:#?}");
        daemon.launch();
    }
    assert!(daemon.stop().success());
    let report = good(&daemon);
    let notes = report["notes"].as_array().unwrap();
    assert_eq!(notes.len(), 6, "{report}");
    assert!(notes.iter().all(|note| note.as_str().unwrap().contains("started after a crash")));
    let last = exported(&daemon).pop().unwrap();
    assert_eq!(last["kind"], "stopped");
}

#[test]
fn a_flood_of_refusals_is_counted_whole_and_takes_little_room() {
    const FLOOD: u64 = 60_000;
    let mut daemon = started(small);
    let mut client = daemon.client();
    let token = provision(&mut client);
    let cryptogram = client.issue(issue_of(&token), None).unwrap().cryptogram;
    client.verify(verify_of(&token, cryptogram), None).unwrap();
    let again = Command::Verify(verify_of(&token, cryptogram));
    for _ in 0..FLOOD / 500 {
        for _ in 0..500 {
            client.submit(&again, None).unwrap();
        }
        for _ in 0..500 {
            let answer = client.receive().unwrap().1;
            assert_eq!(answer.err().and_then(|error| error.status()), Some(Status::Replayed));
        }
    }
    assert!(daemon.stop().success());
    let records = exported(&daemon);
    let replayed = records.iter().filter(|record| record["status"] == "replayed");
    let told = replayed.map(|record| record["count"].as_u64().unwrap_or(1)).sum::<u64>();
    assert_eq!(told, FLOOD);
    let of_refusals = records.iter().filter(|record| record["kind"] != "groups").count();
    assert!(of_refusals < FLOOD as usize / 20, "{of_refusals}");
    good(&daemon);
}

#[test]
fn a_log_that_is_cut_off_or_missing_keeps_the_daemon_from_starting_until_that_is_accepted() {
    let mut daemon = started(small);
    let token = provision(&mut daemon.client());
    for _ in 0..5 {
        daemon.client().detokenize(token.token).unwrap();
    }
    assert!(daemon.stop().success());
    let place = crate::log::places(&daemon.path("audit")).pop().unwrap();
    crate::log::edit(&place.file, |bytes| bytes.truncate(place.at));
    for keyed in [true, false] {
        let (report, code) = verified(&daemon, keyed);
        assert_eq!((code, &report["fault"]["kind"]), (Some(1), &"cut_off".into()), "{report}");
        assert_eq!(report["fault"]["record"], place.number);
    }
    let refused = |daemon: &Daemon, why: &str| {
        let before = daemon.log().len();
        assert_eq!(daemon.spawn().wait().unwrap().code(), Some(1));
        assert!(daemon.log()[before..].contains(why), "{}", daemon.log());
    };
    refused(&daemon, "the audit log is cut off after record");
    fs::rename(daemon.path("audit"), daemon.path("elsewhere")).unwrap();
    refused(&daemon, "the audit log is missing");
    fs::rename(daemon.path("elsewhere"), daemon.path("audit")).unwrap();
    fs::rename(daemon.path("audit-head"), daemon.path("elsewhere")).unwrap();
    refused(&daemon, "the audit log has no head");
    fs::rename(daemon.path("elsewhere"), daemon.path("audit-head")).unwrap();

    let passphrase = daemon.path("passphrase");
    let accept = ["audit", "accept", "--passphrase-file", passphrase.to_str().unwrap()];
    let output = run(&daemon, &accept);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    daemon.launch();
    assert!(String::from_utf8_lossy(&run(&daemon, &accept).stderr).contains("in use"));
    assert!(daemon.stop().success());
    // No number comes twice, and what was found is told for ever.
    let report = good(&daemon);
    assert_eq!(report["first"], place.number + 1);
    let note = report["notes"][0].as_str().unwrap().to_owned();
    assert!(note.contains("begins anew") && note.contains("cut off"), "{note}");
    let again = run(&daemon, &accept);
    assert!(String::from_utf8_lossy(&again.stderr).contains("can be gone on with"));
    let kept = fs::read_dir(daemon.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(kept.into_iter().any(|name| name.to_string_lossy().starts_with("audit-damaged-")));
}

/// Whoever removes the log would remove what remembers it too.
#[test]
fn a_log_that_is_removed_with_its_head_keeps_the_daemon_from_starting_until_that_is_accepted() {
    let mut daemon = started(small);
    provision(&mut daemon.client());
    assert!(daemon.stop().success());
    let passphrase = daemon.path("passphrase");
    let passphrase = passphrase.to_str().unwrap();
    fs::remove_dir_all(daemon.path("audit")).unwrap();
    fs::remove_file(daemon.path("audit-head")).unwrap();
    let before = daemon.log().len();
    let mut child = daemon.spawn();
    while child.try_wait().unwrap().is_none() {
        if UnixStream::connect(daemon.socket()).is_ok() {
            child.kill().unwrap();
            panic!("it serves");
        }
        std::thread::yield_now();
    }
    assert!(!child.wait().unwrap().success());
    assert!(daemon.log()[before..].contains("and its head too, though the database holds group"));
    // Nor does any other work begin one.
    let rotated = run(&daemon, &["rotate", "--passphrase-file", passphrase, "audit"]);
    assert!(String::from_utf8_lossy(&rotated.stderr).contains("and its head too"), "{rotated:?}");
    assert!(!daemon.path("audit-head").exists());
    let accepted = run(&daemon, &["audit", "accept", "--passphrase-file", passphrase]);
    assert!(accepted.status.success(), "{accepted:?}");
    daemon.launch();
    assert!(daemon.stop().success());
    let note = good(&daemon)["notes"][0].as_str().unwrap().to_owned();
    assert!(note.contains("begins anew") && note.contains("and its head too"), "{note}");
    let records = exported(&daemon);
    assert_eq!((&records[0]["kind"], &records[1]["kind"]), (&"accepted".into(), &"started".into()));
}

/// A copy restored where there was no log.
#[test]
fn a_restore_without_a_log_begins_one_that_says_so() {
    let mut daemon = started(small);
    provision(&mut daemon.client());
    assert!(daemon.stop().success());
    fs::remove_dir_all(daemon.path("audit")).unwrap();
    fs::remove_file(daemon.path("audit-head")).unwrap();
    let passphrase = daemon.path("passphrase");
    let restored = run(&daemon, &["restore", "--passphrase-file", passphrase.to_str().unwrap()]);
    assert!(restored.status.success(), "{restored:?}");
    daemon.launch();
    assert!(daemon.stop().success());
    good(&daemon);
    let first = &exported(&daemon)[0];
    assert_eq!(first["operation"], "restore");
    assert!(first["detail"].as_str().unwrap().contains("there was no audit log"), "{first}");
}

#[test]
fn changes_of_keys_while_it_is_stopped_are_recorded() {
    let mut daemon = started(small);
    assert!(daemon.stop().success());
    let passphrase = daemon.path("passphrase");
    for purpose in ["token-derivation", "audit"] {
        let output = run(&daemon, &["rotate", "--passphrase-file", passphrase.to_str().unwrap(), purpose]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    daemon.launch();
    assert!(daemon.stop().success());
    let records = exported(&daemon);
    let rotated: Vec<_> = records.iter().filter(|record| record["operation"] == "keyring").collect();
    assert_eq!(rotated.len(), 2);
    assert!(rotated[0]["detail"].as_str().unwrap().contains("token-derivation 2 active"));
    assert!(rotated[1]["detail"].as_str().unwrap().contains("audit 1 retiring"));
    // It had stopped in order before, and both versions of the audit key are in use.
    let report = good(&daemon);
    assert_eq!(report["notes"].as_array().unwrap().len(), 0, "{report}");
    assert_eq!(records.last().unwrap()["audit_key"], 2);
}

#[test]
fn a_real_log_is_told_from_one_with_any_record_changed_or_removed() {
    let mut daemon = started(small);
    let token = provision(&mut daemon.client());
    let mut client = daemon.client();
    for _ in 0..20 {
        for _ in 0..100 {
            client.submit(&Command::Detokenize(token.token), None).unwrap();
        }
        for _ in 0..100 {
            client.receive().unwrap().1.unwrap();
        }
    }
    assert!(daemon.stop().success());
    let report = good(&daemon);
    assert!(report["files"].as_u64().unwrap() >= 2, "{report}");
    let log = daemon.path("audit");
    let head = tallystick::audit::Tip {
        number: report["last"].as_u64().unwrap(),
        link: data_encoding::HEXLOWER
            .decode(report["link"].as_str().unwrap().as_bytes())
            .unwrap()
            .try_into()
            .unwrap(),
    };
    let all = crate::log::places(&log);
    assert!(all.len() > 2000);
    let ends = [0, 1, all.len() - 2, all.len() - 1];
    let across: Vec<_> = (1..all.len()).filter(|nth| all[*nth].file != all[nth - 1].file).collect();
    let some = (0..all.len())
        .filter(|nth| ends.contains(nth) || nth % 37 == 0 || across.iter().any(|at| nth.abs_diff(*at) < 2));
    for place in some.map(|nth| &all[nth]) {
        let (at, end) = (place.at, place.at + place.len);
        let old = crate::log::edit(&place.file, |bytes| bytes[at + place.len / 2] ^= 16);
        let fault = crate::log::verify(&log, None, &[head]).fault.unwrap();
        assert_eq!((fault.kind(), fault.record()), ("changed", place.number));
        fs::write(&place.file, &old).unwrap();
        crate::log::edit(&place.file, |bytes| drop(bytes.drain(at..end)));
        let fault = crate::log::verify(&log, None, &[head]).fault.unwrap();
        assert_eq!(fault.record(), place.number, "{fault}");
        fs::write(&place.file, &old).unwrap();
    }
    // And by the command line, which exports no further than to there.
    let place = &all[500];
    crate::log::edit(&place.file, |bytes| bytes[place.at + 20] ^= 1);
    for keyed in [true, false] {
        let (report, code) = verified(&daemon, keyed);
        assert_eq!(code, Some(1));
        assert_eq!(
            (&report["fault"]["kind"], report["fault"]["record"].as_u64()),
            (&"changed".into(), Some(501))
        );
    }
    let output = run(&daemon, &["audit", "export"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 500);
    assert!(String::from_utf8_lossy(&output.stderr).contains("record 501 was changed"));
}
