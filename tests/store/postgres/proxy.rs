//! A proxy before the server that cuts the connection at a given byte, or falls silent.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use tallystick::store::postgres::{PostgresConfig, PostgresHost};
use tempfile::TempDir;

use crate::server::shared;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    ToServer,
    ToClient,
}

/// What is to happen to the connections.
#[derive(Debug, Clone, Copy)]
struct Plan {
    way: Way,
    left: usize,
    silent: bool,
}

#[derive(Default)]
struct State {
    plan: Option<Plan>,
    passed: [usize; 2],
}

pub struct Proxy {
    dir: TempDir,
    state: Arc<Mutex<State>>,
}

impl Proxy {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let state = Arc::<Mutex<State>>::default();
        let listener = UnixListener::bind(dir.path().join(".s.PGSQL.1")).unwrap();
        let server = shared().dir().join(format!(".s.PGSQL.{}", shared().port()));
        let shared_state = Arc::clone(&state);
        thread::spawn(move || accept(&listener, &server, &shared_state));
        Self { dir, state }
    }

    /// How a node reaches the database through the proxy.
    pub fn config(&self, database: &str, node: &str) -> PostgresConfig {
        let hosts = vec![PostgresHost::Unix(self.dir.path().to_owned(), 1)];
        PostgresConfig { hosts, ..shared().config(database, node) }
    }

    /// Lets so many bytes more pass one way, then cuts every connection that sends more.
    pub fn cut(&self, way: Way, bytes: usize) {
        let mut state = self.state.lock().unwrap();
        state.plan = Some(Plan { way, left: bytes, silent: false });
        state.passed = [0; 2];
    }

    /// As [`cut`](Self::cut), but nobody is told: nothing passes any more, either way.
    pub fn silence(&self, way: Way, bytes: usize) {
        self.cut(way, bytes);
        self.state.lock().unwrap().plan.as_mut().unwrap().silent = true;
    }

    /// Forgets the plan. Whether it came to pass, and the bytes since it was made, to the server and back.
    pub fn lift(&self) -> (bool, [usize; 2]) {
        let mut state = self.state.lock().unwrap();
        (state.plan.take().is_none(), state.passed)
    }
}

fn accept(listener: &UnixListener, server: &PathBuf, state: &Arc<Mutex<State>>) {
    for client in listener.incoming() {
        let Ok(client) = client else { return };
        let Ok(server) = UnixStream::connect(server) else { continue };
        let dead = Arc::new(Mutex::new(false));
        for (way, from, to) in [(Way::ToServer, &client, &server), (Way::ToClient, &server, &client)] {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            let (state, dead) = (Arc::clone(state), Arc::clone(&dead));
            thread::spawn(move || {
                pump(way, &mut from, &mut to, &state, &dead);
                let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
            });
        }
    }
}

/// Carries bytes until the connection ends or is to be cut.
fn pump(way: Way, from: &mut UnixStream, to: &mut UnixStream, state: &Mutex<State>, dead: &Mutex<bool>) {
    let mut bytes = [0; 4096];
    loop {
        let Ok(read @ 1..) = from.read(&mut bytes) else { return };
        if *dead.lock().unwrap() {
            continue;
        }
        let (pass, end) = allowed(way, read, &mut state.lock().unwrap());
        if to.write_all(&bytes[..pass]).is_err() {
            return;
        }
        match end {
            None => {}
            Some(Plan { silent: false, .. }) => return,
            Some(_) => *dead.lock().unwrap() = true,
        }
    }
}

fn allowed(way: Way, read: usize, state: &mut State) -> (usize, Option<Plan>) {
    let end = match &mut state.plan {
        Some(plan) if plan.way == way && plan.left < read => state.plan.take(),
        Some(plan) if plan.way == way => {
            plan.left -= read;
            None
        }
        _ => None,
    };
    let pass = end.map_or(read, |plan| plan.left);
    state.passed[usize::from(way == Way::ToClient)] += pass;
    (pass, end)
}
