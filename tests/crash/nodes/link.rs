//! How a node reaches the database: through proxies here, or over a network of its own.

use super::plan::Cut;
use super::proxy::Proxy;
use super::wire::Wire;

/// The way of one node.
pub enum Link {
    /// One proxy for each of the places where a server may be.
    Proxies([Proxy; 2]),
    Wire(Wire),
}

impl Link {
    pub fn proxies() -> Self {
        Self::Proxies([Proxy::new(), Proxy::new()])
    }

    /// What the node is told of the servers; the first listens at this port.
    pub fn hosts(&self, port: u16) -> Vec<String> {
        match self {
            Self::Proxies(proxies) => {
                proxies.iter().map(|proxy| format!("127.0.0.1:{}", proxy.port())).collect()
            }
            Self::Wire(wire) => vec![format!("{}:{port}", wire.database())],
        }
    }

    pub fn namespace(&self) -> Option<String> {
        match self {
            Self::Proxies(_) => None,
            Self::Wire(wire) => Some(wire.namespace().to_owned()),
        }
    }

    /// A server at a place listens at this port, or is gone.
    pub fn lead_to(&self, place: usize, server: Option<u16>) {
        if let Self::Proxies(proxies) = self {
            proxies[place].lead_to(server);
        }
    }

    pub fn cut(&self, place: usize, cut: Cut) {
        if let Self::Proxies(proxies) = self {
            proxies[place].cut(cut);
        }
    }

    /// Lets nothing pass.
    pub fn part(&self) {
        match self {
            Self::Proxies(proxies) => proxies.iter().for_each(Proxy::part),
            Self::Wire(wire) => wire.part(),
        }
    }

    pub fn heal(&self) {
        match self {
            Self::Proxies(proxies) => proxies.iter().for_each(Proxy::heal),
            Self::Wire(wire) => wire.heal(),
        }
    }

    pub fn cuts(&self) -> u32 {
        match self {
            Self::Proxies(proxies) => proxies.iter().map(Proxy::cuts).sum(),
            Self::Wire(_) => 0,
        }
    }

    /// What the server says of sessions that come over this way alone, if they can be told.
    pub fn address(&self) -> Option<&str> {
        match self {
            Self::Proxies(_) => None,
            Self::Wire(wire) => Some(wire.address()),
        }
    }
}
