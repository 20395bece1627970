//! Several nodes at once, each as fast as it can: one log comes of it.

use super::node::{Node, journal};
use crate::sample::{Content, moved};
use crate::server::shared;
use tallystick::store::Store;

/// Some of the nodes ask ahead, some do not.
#[test]
fn nodes_that_race_make_one_log() {
    const NODES: u32 = 4;
    const GROUPS: u32 = 40;
    let database = shared().database();
    let nodes: Vec<_> = (0..NODES).map(|number| Node::open(&database, &format!("node-{number}"))).collect();
    let logs: Vec<_> = std::thread::scope(|scope| {
        let working: Vec<_> = (0..NODES)
            .zip(nodes)
            .map(|(number, mut node)| {
                scope.spawn(move || {
                    for group in 1..=GROUPS {
                        node.turn().unwrap();
                        node.store.want_turn(number % 2 == 0 && group < GROUPS);
                        let content = Content { issued: vec![moved(number, group)], ..Content::default() };
                        node.append(&content).unwrap();
                    }
                    node
                })
            })
            .collect();
        let mut nodes: Vec<_> = working.into_iter().map(|node| node.join().unwrap()).collect();
        nodes.iter_mut().for_each(|node| {
            node.turn().unwrap();
            node.store.rest().unwrap();
        });
        nodes.into_iter().map(|node| node.log).collect()
    });
    let all = u64::from(NODES * GROUPS);
    for log in &logs {
        assert_eq!(log.0, logs[0].0);
        assert_eq!(log.0.iter().map(|met| met.number).collect::<Vec<_>>(), (1..=all).collect::<Vec<_>>());
        assert!(log.0.windows(2).all(|pair| pair[1].before == pair[0].mac));
    }
    assert_eq!(journal(&database).len() as u64, all);
}
