//! A network of its own for each node: a namespace, an address, and a wire to the switch
//! behind which the database is. A wire that is pulled out of the switch loses every packet,
//! and neither end is told.

use std::process::{Command, Stdio};
use std::sync::Arc;

/// The switch; its own address is the database's.
pub struct Switch {
    name: String,
    net: String,
}

/// A node's wire.
pub struct Wire {
    switch: Arc<Switch>,
    /// Its end at the switch.
    port: String,
    namespace: String,
    address: String,
}

impl Switch {
    /// Makes one; none, and why, if that is not allowed here.
    pub fn make() -> Result<Arc<Self>, String> {
        let id = std::process::id();
        let switch = Self { name: format!("tls{}", id % 100_000), net: format!("10.77.{}", id % 250) };
        ip(&["link", "add", &switch.name, "type", "bridge"])?;
        ip(&["addr", "add", &format!("{}/24", switch.address()), "dev", &switch.name])?;
        ip(&["link", "set", &switch.name, "up"])?;
        let switch = Arc::new(switch);
        // Whether namespaces and wires are allowed as well.
        Wire::lay(&switch, 200).map(drop)?;
        Ok(switch)
    }

    pub fn address(&self) -> String {
        format!("{}.1", self.net)
    }

    /// All addresses behind it, as `pg_hba.conf` names them.
    pub fn net(&self) -> String {
        format!("{}.0/24", self.net)
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        let _ = ip(&["link", "del", &self.name]);
    }
}

impl Wire {
    /// Lays the wire of a node.
    pub fn lay(switch: &Arc<Switch>, node: usize) -> Result<Self, String> {
        let wire = Self {
            switch: Arc::clone(switch),
            port: format!("{}p{node}", switch.name),
            namespace: format!("{}n{node}", switch.name),
            address: format!("{}.{}", switch.net, node + 2),
        };
        let Self { port, namespace, address, .. } = &wire;
        let inside = format!("{port}i");
        ip(&["netns", "add", namespace])?;
        ip(&["link", "add", port, "type", "veth", "peer", "name", &inside, "netns", namespace])?;
        ip(&["link", "set", port, "master", &switch.name, "up"])?;
        ip(&["-n", namespace, "link", "set", "lo", "up"])?;
        ip(&["-n", namespace, "addr", "add", &format!("{address}/24"), "dev", &inside])?;
        ip(&["-n", namespace, "link", "set", &inside, "up"])?;
        Ok(wire)
    }

    pub fn database(&self) -> String {
        self.switch.address()
    }

    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Pulls it out of the switch.
    pub fn part(&self) {
        ip(&["link", "set", &self.port, "nomaster"]).unwrap();
    }

    /// Puts it in again.
    pub fn heal(&self) {
        ip(&["link", "set", &self.port, "master", &self.switch.name]).unwrap();
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = ip(&["link", "del", &self.port]);
        let _ = ip(&["netns", "del", &self.namespace]);
    }
}

fn ip(arguments: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("ip: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("ip {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}
