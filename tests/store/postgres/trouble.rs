//! A server that dies, comes back, or is full.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tallystick::store::postgres::{PostgresConfig, PostgresStore};
use tallystick::store::{Store, StoreError};

use super::node::Node;
use crate::contract::poisoned;
use crate::sample::{Content, full, moved};
use crate::server::{Server, shared};

/// Two nodes append as fast as they can, and the server is killed and started again and
/// again: what was acknowledged is there, each group once.
#[test]
fn a_server_that_is_killed_loses_and_doubles_nothing() {
    let server = Server::new();
    let database = server.database();
    let over = AtomicBool::new(false);
    let config =
        |name| PostgresConfig { patience: Duration::from_secs(100), ..server.config(&database, name) };
    let mut nodes = [Node::with(&config("a")), Node::with(&config("b"))];
    std::thread::scope(|scope| {
        let working: Vec<_> = nodes.iter_mut().map(|node| scope.spawn(|| work(node, &over))).collect();
        for round in 0..4 {
            let before = groups(&server, &database);
            // So that each life has something to lose.
            while groups(&server, &database) < before + 20 && !working.iter().any(|node| node.is_finished()) {
            }
            if round % 2 == 0 {
                server.kill()
            } else {
                server.stop()
            }
            server.start();
        }
        over.store(true, Ordering::Relaxed);
        working.into_iter().for_each(|node| node.join().unwrap());
    });
    for node in &mut nodes {
        node.turn().unwrap();
        node.store.rest().unwrap();
    }
    let [a, b] = &nodes;
    assert_eq!(a.log.0, b.log.0);
    assert!(
        a.log.0.windows(2).all(|pair| pair[1].before == pair[0].mac && pair[1].number == pair[0].number + 1)
    );
}

/// What it decides in a turn is lost with it if the other comes between: then it starts anew,
/// as a daemon does.
fn work(node: &mut Node, over: &AtomicBool) {
    let mut at = 0;
    while !over.load(Ordering::Relaxed) {
        at += 1;
        node.turn().unwrap();
        match node.append(&Content { issued: vec![moved(0, at)], ..Content::default() }) {
            Ok(()) => {}
            Err(StoreError::Fenced) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

fn groups(server: &Server, database: &str) -> u64 {
    server.psql(database, "SELECT number FROM tallystick.head").parse().unwrap()
}

#[test]
fn a_session_that_is_ended_is_made_anew() {
    let database = shared().database();
    let mut node = Node::open(&database, "a");
    node.append(&full()).unwrap();
    type Call = fn(&mut Node) -> Result<(), StoreError>;
    let calls: [Call; 8] = [
        Node::turn,
        |node| node.append(&full()),
        |node| node.store.set_anchored(),
        |node| node.store.expire(1).map(drop),
        |node| node.store.tokens_after(None, 9).map(drop),
        |node| node.store.outgrow(tallystick::store::Epoch(9)),
        |node| crate::load::seen(&mut node.store).map(drop),
        |node| node.store.rest(),
    ];
    for call in calls {
        shared().end_sessions(&database);
        call(&mut node).unwrap();
    }
    node.turn().unwrap();
    node.append(&full()).unwrap();
}

#[test]
fn patience_ends() {
    let database = shared().database();
    let config = PostgresConfig { patience: Duration::from_millis(400), ..shared().config(&database, "a") };
    let mut a = Node::with(&config);
    let mut b = Node::open(&database, "b");
    b.turn().unwrap();
    assert!(matches!(a.turn(), Err(StoreError::Io(_))), "the turn did not come");
    poisoned(&mut a.store);
    shared().psql("postgres", &format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false"));
    assert!(matches!(PostgresStore::open(&config), Err(StoreError::Io(_))));
}
