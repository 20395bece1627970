//! Listeners and connections: who comes in, and how all leave.

use std::collections::HashMap;
use std::io::Write;
use std::net::Shutdown;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;

use super::config::{DaemonLimits, PeerRule};
use super::connection::{Lobby, serve};
use super::http;
use super::metrics::ReasonLabels;
use super::peer::{Accepted, Authorised, Examiner, Identified, PeerError, Watch};
use super::porter::{Porter, farewell};
use super::sandbox::{self, Role};
use super::sockets::{Door, Socket};
use crate::wire::Status;

/// Connections at a time on the admin socket, beside those on the other: however
/// many peers are in there, somebody can look after the daemon.
const ADMINS: usize = 16;

/// Accepts connections and keeps count of them.
pub(super) struct Server {
    lobby: Arc<Lobby>,
    peers: Vec<PeerRule>,
    limits: DaemonLimits,
    examiner: Option<Examiner>,
    porter: Porter,
    watch: Arc<Watch>,
    /// Rung when nobody is let in any more.
    closing: OwnedFd,
    open: Mutex<Open>,
    /// Rung when a connection has ended.
    ended: Condvar,
}

#[derive(Default)]
struct Open {
    connections: HashMap<u64, Connection>,
    next: u64,
    closing: bool,
}

/// A connection, to be ended from outside.
struct Connection {
    stream: UnixStream,
    door: Door,
    /// Keeps its process watched.
    _pin: Option<OwnedFd>,
}

impl Server {
    /// A server whose porter and watch run.
    ///
    /// # Errors
    /// The system's, if it gives no thread.
    pub fn new(
        lobby: Arc<Lobby>,
        peers: Vec<PeerRule>,
        limits: DaemonLimits,
        examiner: Option<Examiner>,
    ) -> std::io::Result<Arc<Self>> {
        let watch = Arc::new(Watch::new()?);
        let server = Arc::new(Self {
            lobby,
            peers,
            limits,
            examiner,
            porter: Porter::start()?,
            watch: Arc::clone(&watch),
            closing: eventfd(0, EventfdFlags::CLOEXEC)?,
            open: Mutex::default(),
            ended: Condvar::new(),
        });
        // Not the server itself: its keys are to be wiped while this one still waits.
        let watched = Arc::downgrade(&server);
        let thread = std::thread::Builder::new().name("watch".to_owned());
        thread.spawn(move || {
            sandbox::enter(Role::Watch);
            end_with_processes(&watch, &watched);
        })?;
        Ok(server)
    }

    /// Accepts until nobody is let in any more. One thread a connection, capped.
    pub fn accept_all(self: &Arc<Self>, socket: &Socket) {
        // A listener that was passed is not ours to shut down: so its thread is told by
        // an event.
        while self.somebody_knocks(socket) {
            match socket.listener.accept() {
                Ok((stream, _)) => self.come_in(Accepted::new(stream), socket.door),
                Err(error) => {
                    // Out of descriptors, say: let some connections end first.
                    tracing::warn!(%error, "a connection could not be accepted");
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
    }

    /// Waits until somebody connects; false when nobody is let in any more.
    fn somebody_knocks(&self, socket: &Socket) -> bool {
        loop {
            let mut fds =
                [PollFd::new(&socket.listener, PollFlags::IN), PollFd::new(&self.closing, PollFlags::IN)];
            match poll(&mut fds, None) {
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(errno) => {
                    tracing::error!(%errno, "nobody can be waited for");
                    return false;
                }
            }
            let [knocks, closes] = fds.map(|fd| !fd.revents().is_empty());
            if closes {
                return false;
            }
            if knocks {
                return true;
            }
        }
    }

    fn is_closing(&self) -> bool {
        self.open.lock().is_ok_and(|open| open.closing)
    }

    /// Lets nobody in any more.
    pub fn refuse_more(&self) {
        if let Ok(mut open) = self.open.lock() {
            open.closing = true;
        }
        if let Err(errno) = rustix::io::write(&self.closing, &1u64.to_ne_bytes()) {
            tracing::error!(%errno, "the doors are not told to close");
        }
    }

    /// Ends reading on every connection, so that each answers what it has read
    /// and leaves, and waits until all have.
    pub fn close(&self) {
        let Ok(mut open) = self.open.lock() else { return };
        open.connections.values().for_each(Connection::end_reading);
        while !open.connections.is_empty() {
            match self.ended.wait(open) {
                Ok(waited) => open = waited,
                Err(_) => return,
            }
        }
    }

    fn come_in(self: &Arc<Self>, peer: Accepted, door: Door) {
        match peer.identify().and_then(|peer| peer.expected(&self.peers)) {
            Ok(peer) => self.start(peer, door),
            Err(error) => self.turn_away(error),
        }
    }

    /// Starts the thread of a connection, if one more may be.
    fn start(self: &Arc<Self>, peer: Identified, door: Door) {
        let Some(id) = self.register(&peer, door) else {
            if self.is_closing() {
                // It was accepted just as the doors closed: the next daemon lets it in.
                return self.refuse(peer.into_stream(), Status::GoingAway, "stopping");
            }
            self.turned_away(peer.who(), Status::Busy);
            return self.refuse(peer.into_stream(), Status::Busy, "too_many");
        };
        let server = Arc::clone(self);
        let thread = std::thread::Builder::new().name(format!("connection {id}"));
        let spawned = thread.spawn(move || {
            sandbox::enter(Role::Connection);
            match peer.authorise(&server.peers, server.examiner.as_ref()) {
                Ok(peer) => {
                    server.lobby.metrics.connections.inc();
                    server.serve(peer, door);
                    server.lobby.metrics.connections.dec();
                }
                Err(error) => server.turn_away(error),
            }
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
                    .and_then(|()| if self.is_closing() { say_goodbye(&mut stream) } else { Ok(()) })
            }
        });
        match ended {
            Ok(()) => tracing::debug!(caller = caller.name(), "left"),
            Err(error) => tracing::info!(caller = caller.name(), %error, "connection lost"),
        }
    }

    fn register(&self, peer: &Identified, door: Door) -> Option<u64> {
        let stream = peer.stream().try_clone().ok()?;
        let pin = peer.process().pin().map(|pin| pin.try_clone_to_owned()).transpose().ok()?;
        let most = if door == Door::Admin { ADMINS } else { self.limits.connections };
        let mut open = self.open.lock().ok()?;
        let here = open.connections.values().filter(|connection| connection.door == door).count();
        if open.closing || here >= most {
            return None;
        }
        let id = open.next;
        open.next += 1;
        if let Some(pin) = &pin {
            self.watch.add(id, pin.as_fd()).ok()?;
        }
        open.connections.insert(id, Connection { stream, door, _pin: pin });
        Some(id)
    }

    fn turned_away(&self, who: String, status: Status) {
        self.lobby.audit.turned_away((self.lobby.clock)(), who, status);
    }

    fn forget(&self, id: u64) {
        if let Ok(mut open) = self.open.lock() {
            open.connections.remove(&id);
        }
        self.ended.notify_all();
    }

    /// Ends what a process opened that has ended: what was read is answered, and
    /// whoever has the socket now asks nothing more.
    fn end_reading(&self, id: u64) {
        if let Ok(open) = self.open.lock() {
            open.connections.get(&id).into_iter().for_each(Connection::end_reading);
        }
    }

    fn turn_away(&self, error: PeerError) {
        match error {
            PeerError::Unknown { stream, uid, gid, cause } => {
                let cause = cause.map(|cause| cause.to_string());
                tracing::warn!(uid, gid, cause, "no configured peer; refused");
                self.turned_away(format!("uid {uid} gid {gid}"), Status::PeerUnknown);
                self.refuse(stream, Status::PeerUnknown, "unknown_peer");
            }
            PeerError::Unidentified(errno) => {
                tracing::warn!(%errno, "a peer could not be identified");
            }
        }
    }

    fn refuse(&self, stream: UnixStream, status: Status, reason: &'static str) {
        self.lobby.metrics.refused_connections.get_or_create(&ReasonLabels { reason }).inc();
        if !self.porter.turn_away(stream, status) {
            let reason = "unanswered";
            self.lobby.metrics.refused_connections.get_or_create(&ReasonLabels { reason }).inc();
        }
    }
}

impl Connection {
    fn end_reading(&self) {
        // One that has just gone needs no shutting down.
        let _ = self.stream.shutdown(Shutdown::Read);
    }
}

/// The last word to a peer of a daemon that stops. Everything that had arrived whole is
/// answered before it, so what has no answer was not done (`docs/WIRE.md`, "Goodbye").
fn say_goodbye(stream: &mut UnixStream) -> std::io::Result<()> {
    stream.write_all(&farewell(Status::GoingAway))
}

/// Ends connections with their processes, until the server is gone.
fn end_with_processes(watch: &Watch, server: &Weak<Server>) {
    loop {
        let ended = watch.ended();
        match (ended, server.upgrade()) {
            (_, None) => return,
            (Ok(ended), Some(server)) => ended.into_iter().for_each(|id| server.end_reading(id)),
            (Err(error), Some(_)) => {
                // Sockets still end with their last holder.
                tracing::error!(%error, "peers' processes are watched no more");
                return;
            }
        }
    }
}
