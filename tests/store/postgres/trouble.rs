//! A server that dies, comes back, or is full.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tallystick::store::postgres::{PostgresConfig, PostgresStore};
use tallystick::store::{Store, StoreError};

use super::node::{Met, Node};
use crate::contract::poisoned;
use crate::sample::{Content, full, moved};
use crate::server::{Server, shared};

/// Two nodes append as fast as they can, and the server is killed and started again and
/// again: what was acknowledged is there, once, and nothing else is.
#[test]
fn a_server_that_is_killed_loses_and_doubles_nothing() {
    let server = Server::new();
    let database = server.database();
    let over = AtomicBool::new(false);
    let config =
        |name| PostgresConfig { patience: Duration::from_secs(100), ..server.config(&database, name) };
    let configs = [config("a"), config("b")];
    let mut told: Vec<Met> = std::thread::scope(|scope| {
        let working: Vec<_> = (1..)
            .zip(&configs)
            .map(|(slot, config)| {
                let over = &over;
                scope.spawn(move || work(config, slot, over))
            })
            .collect();
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
        working.into_iter().flat_map(|node| node.join().unwrap()).collect()
    });
    told.sort_by_key(|met| met.number);
    let told: Vec<_> = told.into_iter().map(|met| (met.number, met.before, met.body, met.mac)).collect();
    let mut store = PostgresStore::open(&config("c")).unwrap();
    let journal = crate::load::loaded(&mut store).journal;
    let there: Vec<_> =
        journal.into_iter().map(|(number, group)| (number, group.before, group.body, group.mac)).collect();
    assert_eq!(there, told);
    assert!(there.len() > 80 && there.windows(2).all(|pair| pair[1].1 == pair[0].3));
}

/// Appends until it is over; what was acknowledged. What it decides in a turn is lost with it
/// if the other comes between: then it starts anew, as a daemon does.
fn work(config: &PostgresConfig, slot: u32, over: &AtomicBool) -> Vec<Met> {
    let (mut node, mut told, mut at) = (Node::with(config), Vec::new(), 0);
    while !over.load(Ordering::Relaxed) {
        at += 1;
        node.turn().unwrap();
        match node.append(&Content { issued: vec![moved(slot, at)], ..Content::default() }) {
            Ok(()) => told.extend(node.log.0.last().cloned()),
            Err(StoreError::Fenced) => node = Node::with(config),
            Err(error) => panic!("{error}"),
        }
    }
    told
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

/// What a session waits for that has committed and lacks its replica's word.
fn until_replica_is_waited_for(server: &Server, but: &str) -> String {
    let select =
        format!("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid <> {but} LIMIT 1");
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        match server.psql("postgres", &select) {
            pid if !pid.is_empty() => return pid,
            _ => assert!(Instant::now() < until, "nobody waits"),
        }
    }
}

/// A commit that the server has and its replica has not is no commit yet, however the wait for
/// the replica ended: a failover would take it back.
#[test]
fn nothing_is_acknowledged_that_the_replica_may_lack() {
    let server = Server::new();
    let database = server.database();
    let replica = |names: &str| {
        server.psql("postgres", &format!("ALTER SYSTEM SET synchronous_standby_names = '{names}'"));
        server.reload();
        let shown = "SHOW synchronous_standby_names";
        while server.psql("postgres", shown) != names {}
    };
    let hasty = PostgresConfig { patience: Duration::from_secs(1), ..server.config(&database, "a") };
    let (mut a, mut b) = (Node::with(&hasty), Node::with(&server.config(&database, "b")));
    replica("nobody");
    // It cannot tell, and says so; but the server shows the group to all.
    assert!(matches!(a.append(&full()), Err(StoreError::Io(_))));
    server.kill();
    server.start();
    std::thread::scope(|scope| {
        let following = scope.spawn(|| b.turn());
        until_replica_is_waited_for(&server, "0");
        assert!(!following.is_finished());
        replica("");
        following.join().unwrap().unwrap();
    });
    assert_eq!(b.head().number.0, 1);
    drop(b);
    for ending in ["pg_cancel_backend", "pg_terminate_backend"] {
        let mut node = Node::with(&server.config(&database, "a"));
        node.append(&full()).unwrap();
        replica("nobody");
        std::thread::scope(|scope| {
            let appending = scope.spawn(|| node.append(&full()));
            let pid = until_replica_is_waited_for(&server, "0");
            server.psql("postgres", &format!("SELECT {ending}({pid})"));
            if ending == "pg_terminate_backend" {
                // It finds its group, and has it confirmed.
                until_replica_is_waited_for(&server, &pid);
                assert!(!appending.is_finished());
                replica("");
                appending.join().unwrap().unwrap();
            } else {
                let told = appending.join().unwrap().unwrap_err().to_string();
                assert!(told.contains("warning"), "{told}");
                replica("");
            }
        });
    }
}
