//! A connection that is cut at any byte, either way: the group is there, once, and the node
//! knows it.

use std::time::Duration;

use tallystick::store::postgres::PostgresConfig;
use tallystick::store::{Store, StoreError};

use super::node::{Node, journal};
use super::proxy::{Proxy, Way};
use crate::sample::{Content, full, moved};
use crate::server::shared;

/// Cuts an append at each byte of it, until an append passes whole.
fn every_cut(way: Way, ahead: bool) {
    let (database, proxy) = (shared().database(), Proxy::new());
    let mut node = Node::with(&proxy.config(&database, "a"));
    // The first appends also prepare what they say.
    for _ in 0..2 {
        node.turn().unwrap();
        node.append(&full()).unwrap();
    }
    node.store.want_turn(ahead);
    let mut cuts = 0;
    for at in 0.. {
        node.turn().unwrap();
        proxy.cut(way, at);
        node.append(&Content { issued: vec![moved(1, at as u32 + 1)], ..Content::default() }).unwrap();
        let (cut, passed) = proxy.lift();
        if !cut {
            // An append of nothing but a counter is short both ways.
            assert!(at > 50 && passed[0] > 300, "{at} {passed:?}");
            break;
        }
        cuts += 1;
    }
    assert!(cuts > 50);
    node.store.rest().unwrap();
    let mut other = Node::open(&database, "b");
    let other_store = &mut other.store;
    let mut loaded = crate::load::loaded(other_store);
    assert_eq!(loaded.journal.len(), node.log.0.len());
    for met in &node.log.0 {
        let stored = loaded.journal.remove(&met.number).unwrap();
        assert_eq!((stored.mac, stored.before, stored.body), (met.mac, met.before, met.body.clone()));
    }
}

#[test]
fn cut_on_the_way_to_the_server() {
    every_cut(Way::ToServer, false);
}

#[test]
fn cut_on_the_way_back() {
    every_cut(Way::ToClient, false);
}

#[test]
fn cut_with_another_turn_asked_for_behind() {
    every_cut(Way::ToServer, true);
    every_cut(Way::ToClient, true);
}

/// A turn that is cut at each byte, on an existing session and with groups to follow: each
/// is followed once.
#[test]
fn a_turn_that_is_cut_follows_each_group_once() {
    for way in [Way::ToServer, Way::ToClient] {
        let (database, proxy) = (shared().database(), Proxy::new());
        let mut node = Node::with(&proxy.config(&database, "a"));
        let mut other = Node::open(&database, "b");
        other.append(&full()).unwrap();
        node.turn().unwrap();
        node.store.rest().unwrap();
        for at in (0..).step_by(7) {
            for _ in 0..2 {
                other.append(&Content { issued: vec![moved(1, 1)], ..Content::default() }).unwrap();
            }
            proxy.cut(way, at);
            node.turn().unwrap();
            let (cut, _) = proxy.lift();
            node.store.rest().unwrap();
            assert_eq!(node.log.0, other.log.0);
            if !cut {
                break;
            }
        }
    }
}

/// The cut comes when it is unknown whether the group is there, and another node is faster.
/// If its group was first, this node is fenced; if not, its own is there and it goes on.
#[test]
fn another_node_may_come_between() {
    let (mut fenced, mut went_on) = (0, 0);
    for way in [Way::ToServer, Way::ToClient] {
        for at in (0..).step_by(37) {
            let (database, proxy) = (shared().database(), Proxy::new());
            let config = PostgresConfig { patience: Duration::from_secs(60), ..proxy.config(&database, "a") };
            let mut node = Node::with(&config);
            for _ in 0..2 {
                node.turn().unwrap();
                node.append(&full()).unwrap();
            }
            let mut other = Node::open(&database, "b");
            node.turn().unwrap();
            let group = node.next(&Content { issued: vec![moved(1, 1)], ..Content::default() });
            proxy.cut(way, at);
            let appended = std::thread::scope(|scope| {
                // It waits for the turn, so it is next when the connection is cut.
                let coming = scope.spawn(|| {
                    other.turn().unwrap();
                    other.append(&Content::default()).unwrap();
                });
                super::node::until_waiting(&database, 1);
                let appended = node.store.append(&group);
                coming.join().unwrap();
                appended
            });
            let ours = format!("3 {}", hex(&group.mac[30..]));
            let there = journal(&database).contains(&ours);
            match appended {
                Ok(_) => assert!(there),
                Err(error) => assert_eq!((error, there), (StoreError::Fenced, false)),
            }
            if there {
                went_on += 1
            } else {
                fenced += 1
            }
            if !proxy.lift().0 {
                break;
            }
        }
    }
    assert!(fenced > 5 && went_on > 3, "{fenced} {went_on}");
}

/// Nobody is told that the connection is gone.
#[test]
fn silence_is_broken_by_whoever_waits() {
    let config = |proxy: &Proxy, database: &str| PostgresConfig {
        patience: Duration::from_secs(8),
        turn_timeout: Duration::from_secs(1),
        ..proxy.config(database, "a")
    };
    for way in [Way::ToServer, Way::ToClient] {
        let (database, proxy) = (shared().database(), Proxy::new());
        let mut node = Node::with(&config(&proxy, &database));
        node.turn().unwrap();
        proxy.silence(way, 0);
        node.append(&full()).unwrap();
        assert!(proxy.lift().0);
        node.turn().unwrap();
        node.append(&full()).unwrap();
        assert_eq!(journal(&database).len(), 2);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
