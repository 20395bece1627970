//! Two daemons on one database: the keyring that both must have, and looking at the store
//! while they serve.

use std::fs;
use std::process::Output;
use std::time::{Duration, Instant};

use crate::process::{Daemon, issue_of, provision, tally, verify_of};
use crate::server::{USER, shared};

/// A node of a database that lets it in through the server's own socket.
fn node(database: &str, name: &str) -> Daemon {
    let server = shared();
    let store = format!(
        "\n[store]\nkind = \"postgres\"\nhosts = [\"{}:{}\"]\ndatabase = \"{database}\"\nuser = \"{USER}\"\nnode = \"{name}\"\n",
        server.dir().display(),
        server.port(),
    );
    Daemon::prepared(|config| config + &store)
}

fn share_keyring(from: &Daemon, to: &Daemon) {
    fs::copy(from.path("keyring"), to.path("keyring")).unwrap();
}

fn two(database: &str) -> (Daemon, Daemon) {
    let (mut one, mut two) = (node(database, "one"), node(database, "two"));
    // As on a host where `tally init` was never run: its keyring is another's, and so is the
    // audit log that it began.
    fs::remove_dir_all(two.path("audit")).unwrap();
    fs::remove_file(two.path("audit-head")).unwrap();
    share_keyring(&one, &two);
    one.launch();
    two.launch();
    (one, two)
}

fn with_passphrase(daemon: &Daemon, arguments: &[&str]) -> Output {
    let mut command = tally(daemon.dir.path(), arguments);
    command.arg("--passphrase-file").arg(daemon.path("passphrase")).output().unwrap()
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn a_node_with_an_older_keyring_ends_and_refuses_until_it_has_the_newest() {
    let (mut one, mut two) = two(&shared().database());
    let token = provision(&mut one.client());
    let before = two.client().issue(issue_of(&token), None).unwrap().cryptogram;
    let refused = with_passphrase(&one, &["rotate", "token-derivation"]);
    assert!(!refused.status.success(), "keys were changed under a node that serves");
    assert!(one.stop().success());
    let rotated = with_passphrase(&one, &["rotate", "token-derivation"]);
    assert!(rotated.status.success(), "{}", told(&rotated));
    one.launch();
    assert!(!two.wait().success());
    assert!(two.log().contains("the keyring is not the newest"), "{}", two.log());
    let mut again = two.spawn();
    assert!(!again.wait().unwrap().success(), "it serves with the older keyring");
    share_keyring(&one, &two);
    two.launch();
    // What was issued under the older key is good, at both, once.
    two.client().verify(verify_of(&token, before), None).unwrap();
    assert!(one.client().verify(verify_of(&token, before), None).is_err());
    let after = two.client().issue(issue_of(&token), None).unwrap().cryptogram;
    assert_eq!(after.header().unwrap().key_version.get(), 2);
    one.client().verify(verify_of(&token, after), None).unwrap();
}

#[test]
fn a_node_that_was_fenced_tells_so_at_its_next_start() {
    let database = shared().database();
    let mut one = node(&database, "one");
    one.launch();
    let token = provision(&mut one.client());
    // What another process of its name does, which has gone by the time it comes back.
    shared().psql(&database, "UPDATE tallystick.node SET epoch = epoch + 1 WHERE name = 'one'");
    assert!(one.client().issue(issue_of(&token), None).is_err());
    assert!(!one.wait().success());
    assert_eq!(fs::read(one.path("last-end")).unwrap(), b"fenced \n");
    one.launch();
    assert_eq!(one.last_end().as_deref(), Some("fenced"), "{}", one.log());
    one.client().issue(issue_of(&token), None).unwrap();
    assert!(one.stop().success());
    one.launch();
    assert_eq!(one.last_end().as_deref(), Some("asked"));
}

#[test]
fn keyrings_that_were_changed_apart_do_not_serve_together() {
    let (mut one, mut two) = two(&shared().database());
    assert!(one.stop().success() && two.stop().success());
    for daemon in [&one, &two] {
        assert!(with_passphrase(daemon, &["rotate", "pan-sealing"]).status.success());
    }
    one.launch();
    // It tells at its next turn.
    provision(&mut one.client());
    assert!(!two.spawn().wait().unwrap().success());
    assert!(two.log().contains("the keyring is not the newest"), "{}", two.log());
}

#[test]
fn a_store_is_checked_while_nodes_serve_and_what_was_changed_is_found() {
    let database = shared().database();
    let (one, two) = two(&database);
    let token = provision(&mut one.client());
    let others: Vec<_> = (0..5).map(|_| provision(&mut two.client())).collect();
    let check = || with_passphrase(&one, &["postgres", "check", "--json"]);
    std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            let (mut client, until) = (two.client(), Instant::now() + Duration::from_secs(2));
            while Instant::now() < until {
                client.issue(issue_of(&token), None).unwrap();
            }
        });
        while !load.is_finished() {
            let checked = check();
            assert!(checked.status.success(), "{}", told(&checked));
            let checked: serde_json::Value = serde_json::from_slice(&checked.stdout).unwrap();
            assert_eq!((&checked["tokens"], &checked["rows"]), (&6.into(), &6.into()));
        }
    });
    assert_eq!(others.len(), 5);
    for (change, undo) in [
        (
            "UPDATE tallystick.token SET trid = trid + 1 WHERE slot = 3",
            "UPDATE tallystick.token SET trid = trid - 1 WHERE slot = 3",
        ),
        (
            "UPDATE tallystick.token SET slot = 77 WHERE slot = 3",
            "UPDATE tallystick.token SET slot = 3 WHERE slot = 77",
        ),
        (
            "UPDATE tallystick.journal SET epoch = epoch + 1 WHERE number = 3",
            "UPDATE tallystick.journal SET epoch = epoch - 1 WHERE number = 3",
        ),
    ] {
        shared().psql(&database, change);
        assert!(!check().status.success(), "not found: {change}");
        shared().psql(&database, undo);
        let checked = check();
        assert!(checked.status.success(), "{}", told(&checked));
    }
    let refused = tally(one.dir.path(), &["backup", "create", "--out"])
        .arg(one.path("backup"))
        .arg("--backup-passphrase-file")
        .arg(one.path("passphrase"))
        .output()
        .unwrap();
    assert!(told(&refused).contains("[store_shared]"), "{}", told(&refused));
    assert!(!one.path("backup").exists());
}
