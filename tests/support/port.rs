//! Ports for servers that stop and come back where they were.
#![allow(clippy::unwrap_used)]

use std::net::TcpListener;

/// A free port of 127.0.0.1. It is below those that a system gives to whoever connects, one
/// of whom could hold it while its server is down, and above those that browsers refuse.
pub fn lasting() -> u16 {
    loop {
        let port = fastrand::u16(11_000..32_768);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
