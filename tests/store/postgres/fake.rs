//! A server that lies: whatever it sends, the node ends with an error, in bounded time and
//! memory.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use tallystick::store::Store;
use tallystick::store::StoreError;
use tallystick::store::postgres::{NodeName, PostgresConfig, PostgresHost, PostgresStore};
use tempfile::TempDir;

use super::node::{Node, journal};
use crate::sample::full;
use crate::server::shared;

/// Opens a store on a server that answers every connection with these bytes, sent as they
/// are once anything came in, and then goes.
fn opened(answer: Vec<u8>, stays: bool) -> Result<(), StoreError> {
    let dir = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(dir.path().join(".s.PGSQL.1")).unwrap();
    std::thread::spawn(move || {
        let mut kept = Vec::new();
        for client in listener.incoming() {
            let Ok(mut client) = client else { return };
            let mut first = [0; 512];
            let _ = client.read(&mut first);
            let _ = client.write_all(&answer);
            if stays {
                kept.push(client);
            }
        }
    });
    PostgresStore::open(&config(&dir)).map(drop)
}

fn config(dir: &TempDir) -> PostgresConfig {
    PostgresConfig {
        hosts: vec![PostgresHost::Unix(dir.path().to_owned(), 1)],
        database: "x".to_owned(),
        user: "x".to_owned(),
        password_file: None,
        tls: None,
        node: NodeName::parse("a").unwrap(),
        patience: Duration::from_millis(60),
        turn_timeout: Duration::from_secs(1),
    }
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    [&[tag], &length[..], body].concat()
}

/// What a server says when it lets one in.
fn welcome() -> Vec<u8> {
    [message(b'R', &[0; 4]), message(b'K', &[0; 8]), message(b'Z', b"I")].concat()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(150) })]

    #[test]
    fn garbage_is_refused(
        known in any::<bool>(),
        messages in prop::collection::vec((prop::sample::select(b"RKZSNETDC123tnAGHWcdsVv".to_vec()), prop::collection::vec(any::<u8>(), 0..40)), 0..8),
        tail in prop::collection::vec(any::<u8>(), 0..30),
        stays in any::<bool>(),
    ) {
        let mut answer = if known { welcome() } else { vec![] };
        answer.extend(messages.iter().flat_map(|(tag, body)| message(*tag, body)));
        answer.extend(tail);
        prop_assert!(opened(answer, stays).is_err());
    }
}

#[test]
fn lengths_that_lie_are_refused() {
    for length in
        [[0, 0, 0, 0], [0, 0, 0, 3], [0x7f, 0xff, 0xff, 0xff], [0xff; 4], [4, 0, 0, 0], [0, 1, 0, 0]]
    {
        for mut before in [vec![], welcome()] {
            before.push(b'R');
            before.extend(length);
            for stays in [true, false] {
                assert!(matches!(opened(before.clone(), stays), Err(StoreError::Io(_))));
            }
        }
    }
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for_forever() {
    assert!(matches!(opened(vec![], true), Err(StoreError::Io(_))));
    assert!(matches!(opened(welcome(), true), Err(StoreError::Io(_))));
    // Notices without an end are no answer either.
    let notices = message(b'N', b"VNOTICE\0\0").repeat(10_000);
    assert!(matches!(opened([welcome(), notices].concat(), true), Err(StoreError::Io(_))));
}

#[test]
fn what_a_server_says_is_not_repeated() {
    let error = message(b'E', b"SFATAL\0VFATAL\0C99999\0Mcard 4111111111111111\0\0");
    let told = opened(error, false).unwrap_err().to_string();
    assert!(told.contains("99999") && !told.contains("4111"), "{told}");
}

/// A COMMIT that the server answers with ROLLBACK, since it did roll back, is no commit and
/// no error either: the group is appended again.
#[test]
fn a_commit_counts_only_if_the_server_says_so() {
    let (dir, database) = (tempfile::tempdir().unwrap(), shared().database());
    let listener = UnixListener::bind(dir.path().join(".s.PGSQL.1")).unwrap();
    let (lies, told) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let (lying, count) = (Arc::clone(&lies), Arc::clone(&told));
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let server = shared().dir().join(format!(".s.PGSQL.{}", shared().port()));
            carry(client, UnixStream::connect(server).unwrap(), &lying, &count);
        }
    });
    let hosts = vec![PostgresHost::Unix(dir.path().to_owned(), 1)];
    let mut node = Node::with(&PostgresConfig { hosts, ..shared().config(&database, "a") });
    node.append(&full()).unwrap();
    // The next session prepares its statements anew.
    lies.store(true, Ordering::SeqCst);
    shared().end_sessions(&database);
    node.turn().unwrap();
    node.append(&full()).unwrap();
    assert_eq!(told.load(Ordering::SeqCst), 1);
    assert_eq!((journal(&database).len(), node.store.receipt().newest().0), (2, 2));
}

/// Carries bytes both ways, and once, if wanted, has the server prepare something else as COMMIT.
fn carry(client: UnixStream, server: UnixStream, lies: &Arc<AtomicBool>, told: &Arc<AtomicU32>) {
    let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (lies, told) = (Arc::clone(lies), Arc::clone(told));
    std::thread::spawn(move || {
        let mut bytes = vec![0; 1 << 20];
        while let Ok(read @ 1..) = from.read(&mut bytes) {
            let mut sent = bytes[..read].to_vec();
            let commit = message(b'P', b"COMMIT\0COMMIT\0\0\0");
            let at = sent.windows(commit.len()).position(|window| window == commit);
            if let Some(at) = at
                && lies.swap(false, Ordering::SeqCst)
            {
                told.fetch_add(1, Ordering::SeqCst);
                sent.splice(at..at + commit.len(), message(b'P', b"COMMIT\0ROLLBACK\0\0\0"));
            }
            if to.write_all(&sent).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
    let (mut from, mut to) = (server, client);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
}
