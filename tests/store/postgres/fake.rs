//! A server that lies: whatever it sends, the node ends with an error, in bounded time and
//! memory.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

use proptest::prelude::*;
use tallystick::store::StoreError;
use tallystick::store::postgres::{NodeName, PostgresConfig, PostgresHost, PostgresStore};
use tempfile::TempDir;

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

/// Lies in the middle of an append: the real server does the work, and what it answers is
/// changed on the way.
#[test]
fn a_commit_counts_only_if_the_server_says_so() {
    use super::node::{Node, journal};
    use crate::sample::full;
    use crate::server::shared;
    use tallystick::store::Store;

    // A tag that is not COMMIT, from a server that did commit: it is asked again, and found.
    let (dir, database) = (tempfile::tempdir().unwrap(), shared().database());
    let listener = UnixListener::bind(dir.path().join(".s.PGSQL.1")).unwrap();
    std::thread::spawn(move || {
        for (nth, client) in listener.incoming().flatten().enumerate() {
            let server =
                UnixStream::connect(shared().dir().join(format!(".s.PGSQL.{}", shared().port()))).unwrap();
            let (mut up, mut down) =
                ((client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client));
            std::thread::spawn(move || {
                std::io::copy(&mut up.0, &mut up.1).map(|_| up.1.shutdown(std::net::Shutdown::Both))
            });
            std::thread::spawn(move || {
                let mut bytes = [0; 65536];
                while let Ok(read @ 1..) = down.0.read(&mut bytes) {
                    let mut told = bytes[..read].to_vec();
                    if nth == 0 {
                        replace(&mut told, b"C\0\0\0\x0BCOMMIT\0", b"C\0\0\0\x0DROLLBACK\0");
                    }
                    if down.1.write_all(&told).is_err() {
                        return;
                    }
                }
                let _ = down.1.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    let hosts = vec![PostgresHost::Unix(dir.path().to_owned(), 1)];
    let mut node = Node::open(&database, "b");
    node.append(&full()).unwrap();
    drop(node);
    let config = PostgresConfig { hosts, ..shared().config(&database, "a") };
    // The first session ends at the first lie, which is when the epoch is drawn.
    let mut node = Node::with(&config);
    node.turn().unwrap();
    node.append(&full()).unwrap();
    assert_eq!(journal(&database).len(), 2);
    assert_eq!(node.store.receipt().newest().0, 2);
}

fn replace(bytes: &mut Vec<u8>, from: &[u8], to: &[u8]) {
    if let Some(at) = bytes.windows(from.len()).position(|window| window == from) {
        bytes.splice(at..at + from.len(), to.iter().copied());
    }
}
