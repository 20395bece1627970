//! What speaks to the database that nodes share: each call on its list is made, over TLS,
//! TCP and Unix sockets and when the database goes and comes, and no other.
#![cfg(target_arch = "x86_64")]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;

use tallystick::daemon::sandbox::Role;
use tallystick::wire::{Custody, Opener};
use tempfile::TempDir;

use crate::certificates::{authority, certify};
use crate::daemon::Daemon;
use crate::kills::{Call, call, can_call, socket_of};
use crate::load::{card, random_pan};
use crate::server::{Server, USER};
use crate::trace::{Used, can_trace, tracing, used};

/// Who may not speak to the network, or only to a database.
const FORBIDDEN: [(Role, Call); 6] = [
    (Role::Main, socket_of(libc::AF_NETLINK)),
    (Role::Committer, socket_of(libc::AF_NETLINK)),
    (Role::Committer, (libc::SYS_bind, [-1, 0, 0, 0])),
    (Role::Connection, socket_of(libc::AF_INET)),
    (Role::Anchor, socket_of(libc::AF_INET)),
    (Role::Audit, socket_of(libc::AF_INET6)),
];

/// A daemon on a database; `hosts` are said of the server.
fn on_database(server: &Server, hosts: &[String], more: &str) -> Daemon {
    let daemon = Daemon::prepare();
    let config = daemon.path("tallyd.toml");
    let text = format!(
        "{}\n{more}\n[store]\nkind = \"postgres\"\nhosts = {hosts:?}\ndatabase = \"{}\"\nuser = \"{USER}\"\n\
         password_file = {:?}\nca_file = {:?}\nnode = \"a\"\n",
        fs::read_to_string(&config).unwrap(),
        server.database(),
        server.password_file(),
        server.dir().join("ca.crt"),
    );
    fs::write(config, text).unwrap();
    daemon
}

fn with_tls() -> Server {
    let (server, dir) = (Server::new(), TempDir::new().unwrap());
    let ca = authority(dir.path(), "ca");
    server.certify(&ca, &certify(dir.path(), "here", "IP:127.0.0.1,IP:::1"));
    server
}

#[test]
fn each_listed_call_is_made_and_no_other() {
    if !can_trace() || !rustix::process::geteuid().is_root() {
        return eprintln!("\n*** NOT TESTED: which calls the database needs. Not root, or no strace. ***\n");
    }
    let server = with_tls();
    let tcp = format!("127.0.0.1:{}", server.port());
    let unix = format!("{}:{}", server.dir().display(), server.port());
    let traces = TempDir::new().unwrap();
    let mut made = [(Role::Main, BTreeSet::new()), (Role::Committer, BTreeSet::new())];
    for (nth, hosts) in [vec![tcp.clone()], vec![unix, tcp]].into_iter().enumerate() {
        let trace = traces.path().join(format!("trace-{nth}"));
        let mut daemon = on_database(&server, &hosts, "[sandbox]\nenforce = false");
        daemon.launch_by(tracing(&trace), "-");
        exercise(&mut daemon, &server);
        note(&mut made, &trace);
    }
    let mut told = String::new();
    for (role, made) in &made {
        let name = |call: &str| call.trim_start_matches("SYS_").to_owned();
        let listed: BTreeSet<_> =
            role.calls().chain(role.database_calls()).map(|call| name(call.name)).collect();
        let missing: Vec<_> = made.difference(&listed).collect();
        let idle: Vec<_> = role
            .database_calls()
            .iter()
            .map(|call| name(call.name))
            .filter(|call| !made.contains(call))
            .collect();
        if !missing.is_empty() || !idle.is_empty() {
            told += &format!("{role}: not listed {missing:?}, never made {idle:?}\n");
        }
    }
    assert!(told.is_empty(), "{told}");
}

fn note(made: &mut [(Role, BTreeSet<String>)], trace: &Path) {
    let used: Used = used(&fs::read_to_string(trace).unwrap());
    for (role, made) in made {
        made.extend(used.get(role).into_iter().flatten().cloned());
    }
}

/// Cards are saved before and after the database was away, sessions were ended, and the
/// house was closed and opened.
fn exercise(daemon: &mut Daemon, server: &Server) {
    save(daemon);
    without(server, || save(daemon));
    let mut admin = daemon.admin();
    assert!(admin.custody(&Custody::Seal).unwrap().sealed);
    without(server, || {
        let passphrase = Opener::Passphrase(daemon.passphrase.as_bytes());
        assert!(!admin.custody(&Custody::Unseal(passphrase)).unwrap().sealed);
    });
    drop(admin);
    save(daemon);
    daemon.stop();
}

/// Does something for which the database must be waited for.
fn without(server: &Server, act: impl FnOnce() + Send) {
    server.stop();
    std::thread::scope(|scope| {
        let acting = scope.spawn(act);
        // It is refused some times before the server is there.
        std::thread::sleep(std::time::Duration::from_millis(500));
        server.start();
        acting.join().unwrap();
    });
}

fn save(daemon: &Daemon) {
    let mut client = daemon.client();
    for _ in 0..50 {
        client.provision(card(&random_pan(&mut fastrand::Rng::new())), None).unwrap();
    }
}

#[test]
fn what_is_not_for_the_database_kills() {
    if !can_call() {
        return;
    }
    let server = with_tls();
    let mut daemon = on_database(&server, &[format!("127.0.0.1:{}", server.port())], "");
    for (role, forbidden) in FORBIDDEN {
        daemon.launch("passphrase");
        let mut client = daemon.client();
        client.ping().unwrap();
        let told = call(&daemon, role, forbidden, "");
        let status = daemon.wait();
        assert_eq!(status.signal(), Some(libc::SIGSYS), "{role}, {forbidden:?}: {status}: {told}");
    }
    // It serves where all is enforced.
    daemon.launch("passphrase");
    exercise(&mut daemon, &server);
}
