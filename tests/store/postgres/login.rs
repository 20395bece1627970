//! Who is let in, and whom this node lets itself be let in by.

use std::fs;
use std::path::PathBuf;

use tallystick::store::postgres::{PostgresConfig, PostgresHost, PostgresStore, PostgresTls};
use tallystick::store::{Store, StoreError};

use crate::certificates::{authority, certify, certify_as};
use crate::sample::full;
use crate::server::{Server, USER, shared};

fn refused(config: &PostgresConfig) -> String {
    match PostgresStore::open(config) {
        Err(StoreError::Io(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_wrong_password_is_refused_and_not_told() {
    let database = shared().database();
    let dir = tempfile::tempdir().unwrap();
    let config = |content: &str| {
        let file = dir.path().join("password");
        fs::write(&file, content).unwrap();
        PostgresConfig { password_file: Some(file), ..shared().config(&database, "a") }
    };
    let why = refused(&config("wr0ng\n"));
    assert!(why.contains("refuses this user") && !why.contains("wr0ng"), "{why}");
    assert!(refused(&config("\n")).contains("empty"));
    assert!(refused(&PostgresConfig { password_file: None, ..config("") }).contains("none is given"));
    let missing = PostgresConfig { password_file: Some(PathBuf::from("/nowhere")), ..config("") };
    assert!(refused(&missing).contains("cannot be read"));
}

#[test]
fn other_schemas_are_refused() {
    let opened = |change: &str| {
        let database = shared().database();
        shared().psql(&database, change);
        PostgresStore::open(&shared().config(&database, "a")).map(drop)
    };
    assert_eq!(
        opened("UPDATE tallystick.head SET version = 2"),
        Err(StoreError::Schema { found: 2, known: 1 })
    );
    let incomplete = StoreError::Corrupt("the store was not moved into the database to its end");
    assert_eq!(opened("UPDATE tallystick.head SET version = 0"), Err(incomplete));
    let none = StoreError::Corrupt("the database has not this store's tables");
    assert_eq!(opened("DROP SCHEMA tallystick CASCADE"), Err(none));
}

#[test]
fn a_database_that_may_lose_what_it_commits_is_refused() {
    for setting in ["off", "local", "remote_write"] {
        let database = shared().database();
        shared().psql(&database, &format!("ALTER DATABASE {database} SET synchronous_commit = {setting}"));
        assert!(refused(&shared().config(&database, "a")).contains("not to keep"));
    }
}

#[test]
fn the_first_server_that_takes_writes_is_used() {
    let database = shared().database();
    let config = shared().config(&database, "a");
    let nobody = PostgresHost::Unix("/nowhere".into(), 1);
    let hosts = vec![nobody.clone(), config.hosts[0].clone()];
    PostgresStore::open(&PostgresConfig { hosts, ..config.clone() })
        .unwrap()
        .append(&full().group(1, tallystick::store::Epoch(1)))
        .unwrap();
    let patience = std::time::Duration::from_millis(100);
    refused(&PostgresConfig { hosts: vec![nobody], patience, ..config.clone() });
    refused(&PostgresConfig { hosts: vec![], ..config });
}

/// On a server of its own, since it changes how one logs in.
#[test]
fn tls_is_for_the_right_host_by_the_right_authority_or_not_at_all() {
    let server = Server::new();
    let database = server.database();
    let plain = server.config(&database, "a");
    let dir = tempfile::tempdir().unwrap();
    let certified = |name: &str, subject: &str| certify(dir.path(), name, subject);
    let (ca, wrong) = (authority(dir.path(), "ca"), authority(dir.path(), "wrong"));
    let with = |ca: &PathBuf, identity| {
        let tls = Some(PostgresTls { ca: ca.clone(), identity });
        PostgresConfig { tls, patience: std::time::Duration::from_secs(4), ..plain.clone() }
    };
    assert!(refused(&with(&ca, None)).contains("no TLS"));

    let install = |from: &(PathBuf, PathBuf)| server.certify(&ca, from);
    install(&certified("elsewhere", "IP:127.0.0.2"));
    assert!(refused(&with(&ca, None)).contains("certificate"), "another host's");
    install(&certified("here", "IP:127.0.0.1,DNS:localhost"));
    assert!(refused(&with(&wrong, None)).contains("certificate"), "another authority's");
    assert!(refused(&with(&dir.path().join("here.key"), None)).contains("cannot be read"));
    let mut store = PostgresStore::open(&with(&ca, None)).unwrap();
    store.append(&full().group(1, store.epoch())).unwrap();
    let told =
        "SELECT bool_and(ssl)::text FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = ";
    assert_eq!(server.psql("postgres", &format!("{told} '{USER}'")), "true");

    // A node may be known by its certificate, and then needs no password.
    let access = "local all all trust\nhostssl all all 127.0.0.1/32 cert\n";
    fs::write(server.dir().join("data/pg_hba.conf"), access).unwrap();
    server.reload();
    let node = certify_as(dir.path(), "node", "DNS:node", USER);
    let known = PostgresConfig { password_file: None, ..with(&ca, Some(node)) };
    PostgresStore::open(&known).unwrap();
    PostgresStore::open(&with(&ca, None)).unwrap_err();

    // Whoever gives passwords away, or asks for none, is refused.
    for (method, why) in [("trust", "may be anyone"), ("password", "gives it away"), ("md5", "gives it away")]
    {
        fs::write(
            server.dir().join("data/pg_hba.conf"),
            format!("local all all trust\nhost all all 127.0.0.1/32 {method}\n"),
        )
        .unwrap();
        if method == "md5" {
            server
                .psql("postgres", &format!("SET password_encryption = md5; ALTER ROLE {USER} PASSWORD 'x'"));
        }
        server.reload();
        // The server reads it when it gets to it.
        let until = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !matches!(PostgresStore::open(&with(&ca, None)), Err(StoreError::Io(told)) if told.contains(why))
        {
            assert!(std::time::Instant::now() < until, "{method}");
        }
    }
}
