//! Listeners and connections: who comes in, and how all leave.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use zeroize::Zeroizing;

use super::config::{DaemonLimits, PeerRule};
use super::connection::{Lobby, serve};
use super::http;
use super::metrics::ReasonLabels;
use super::peer::{Accepted, Authorised, PeerError};
use super::sandbox::{self, Role};
use super::sockets::{Door, Socket};
use crate::wire::{FrameWriter, Opcode, Status};

/// Accepts connections and keeps count of them.
pub(super) struct Server {
    lobby: Arc<Lobby>,
    peers: Vec<PeerRule>,
    limits: DaemonLimits,
    open: Mutex<Open>,
    /// Rung when a connection has ended.
    ended: Condvar,
}

#[derive(Default)]
struct Open {
    streams: HashMap<u64, UnixStream>,
    next: u64,
    closing: bool,
}

impl Server {
    pub fn new(lobby: Arc<Lobby>, peers: Vec<PeerRule>, limits: DaemonLimits) -> Self {
        Self { lobby, peers, limits, open: Mutex::default(), ended: Condvar::new() }
    }

    /// Accepts until the listener is shut down. One thread a connection, capped.
    pub fn accept_all(self: &Arc<Self>, socket: &Socket) {
        for stream in socket.listener.incoming() {
            let closing = self.open.lock().map_or(true, |open| open.closing);
            if closing {
                return;
            }
            match stream {
                Ok(stream) => self.come_in(Accepted::new(stream), socket.door),
                Err(error) => {
                    // Out of descriptors, say: let some connections end first.
                    tracing::warn!(%error, "a connection could not be accepted");
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
    }

    /// Lets nobody in any more.
    pub fn refuse_more(&self) {
        if let Ok(mut open) = self.open.lock() {
            open.closing = true;
        }
    }

    /// Ends reading on every connection, so that each answers what it has read
    /// and leaves, and waits until all have.
    pub fn close(&self) {
        let Ok(mut open) = self.open.lock() else { return };
        for stream in open.streams.values() {
            // One that has just gone needs no shutting down.
            let _ = stream.shutdown(Shutdown::Read);
        }
        while !open.streams.is_empty() {
            match self.ended.wait(open) {
                Ok(waited) => open = waited,
                Err(_) => return,
            }
        }
    }

    fn come_in(self: &Arc<Self>, peer: Accepted, door: Door) {
        match peer.identify().and_then(|peer| peer.authorise(&self.peers)) {
            Ok(peer) => self.start(peer, door),
            Err(PeerError::Unknown { stream, uid, gid }) => {
                tracing::warn!(uid, gid, "no configured peer; refused");
                self.refuse(stream, Status::PeerUnknown, "unknown_peer");
            }
            Err(error) => tracing::warn!(%error, "a peer could not be identified"),
        }
    }

    /// Starts the thread of a connection, if one more may be.
    fn start(self: &Arc<Self>, peer: Authorised, door: Door) {
        let Some(id) = self.register(&peer.stream) else {
            return self.refuse(peer.stream, Status::Busy, "too_many");
        };
        let server = Arc::clone(self);
        let thread = std::thread::Builder::new().name(format!("connection {id}"));
        let spawned = thread.spawn(move || {
            sandbox::enter(Role::Connection);
            server.lobby.metrics.connections.inc();
            server.serve(peer, door);
            server.lobby.metrics.connections.dec();
            server.forget(id);
        });
        if let Err(error) = spawned {
            tracing::warn!(%error, "no thread for a connection");
            self.forget(id);
        }
    }

    fn serve(&self, peer: Authorised, door: Door) {
        let Authorised { mut stream, caller } = peer;
        tracing::debug!(caller = caller.name(), ?door, "connected");
        // Whoever leaves its replies unread for so long is gone.
        let timeout = Duration::from_secs(self.limits.write_timeout_seconds);
        let set = stream.set_write_timeout(Some(timeout));
        let ended = set.and_then(|()| {
            if door == Door::Admin && http::is_http(&stream) {
                http::serve_metrics(&mut stream, &self.lobby, &caller)
            } else {
                serve(&mut stream, &self.lobby, &caller, door)
            }
        });
        match ended {
            Ok(()) => tracing::debug!(caller = caller.name(), "left"),
            Err(error) => tracing::info!(caller = caller.name(), %error, "connection lost"),
        }
    }

    fn register(&self, stream: &UnixStream) -> Option<u64> {
        let handle = stream.try_clone().ok()?;
        let mut open = self.open.lock().ok()?;
        if open.closing || open.streams.len() >= self.limits.connections {
            return None;
        }
        let id = open.next;
        open.next += 1;
        open.streams.insert(id, handle);
        Some(id)
    }

    fn forget(&self, id: u64) {
        if let Ok(mut open) = self.open.lock() {
            open.streams.remove(&id);
        }
        self.ended.notify_all();
    }

    /// Tells a peer that is not let in, in a frame with id 0: it reads that as the
    /// answer to its HELLO.
    fn refuse(&self, mut stream: UnixStream, status: Status, reason: &'static str) {
        self.lobby.metrics.refused_connections.get_or_create(&ReasonLabels { reason }).inc();
        let mut out = Vec::new();
        let frame = FrameWriter::begin(&mut out, Opcode::Hello.number(), status.code(), 0);
        frame.finish(&mut out);
        // Closing with unread bytes would reset the connection and lose the answer,
        // so its HELLO is read first, though not waited for long.
        let limit = Some(Duration::from_millis(200));
        let _ = stream.set_read_timeout(limit).and_then(|()| stream.set_write_timeout(limit));
        let _ = stream.read(&mut *Zeroizing::new([0; 4096]));
        let _ = stream.write_all(&out);
    }
}
