//! A replica that no commit waits for is promoted without the newest groups: nodes that have
//! seen those must stop, and stay stopped, rather than go on without them.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::node::Node;

/// How long nodes may take to notice.
const PATIENCE: Duration = Duration::from_secs(120);
/// What a node says that runs, and one that is started again.
const RUNNING: &str = "the store lacks a group that this node has seen";
const STARTED: &str = "the database is older than its anchor";

/// Loses what `act` has acknowledged at every node, and looks that they notice.
pub fn lose(cluster: &mut Cluster, act: impl FnOnce(&Cluster) -> Result<(), String>) -> Result<(), String> {
    cluster.replicate_behind();
    act(cluster)?;
    cluster.nodes.iter().for_each(|node| drop(node.take_ends()));
    cluster.fail_over();
    let until = Instant::now() + PATIENCE;
    for (number, node) in cluster.nodes.iter().enumerate() {
        let mut ends = Vec::new();
        let said = |ends: &[String], what| ends.iter().any(|end: &String| end.contains(what));
        while !said(&ends, RUNNING) || !said(&ends, STARTED) {
            if Instant::now() > until {
                return Err(format!("node {number} goes on without groups that it has seen: {ends:?}"));
            }
            sleep(Duration::from_millis(20));
            ends.extend(Node::take_ends(node));
        }
    }
    Ok(())
}
