//! `tallyd`: the daemon that serves the engine on a Unix socket.
fn main() {}
