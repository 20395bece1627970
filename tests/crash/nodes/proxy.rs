//! A way over TCP from a node to the database, which can be cut at any byte or fall silent.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::net::connect_unspec;

use super::plan::{Cut, Way};

/// A way.
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Where the server listens; 0 if there is none.
    server: AtomicU16,
    cut: Mutex<Option<Cut>>,
    /// Nothing passes, of old connections or of new ones.
    is_parted: AtomicBool,
    /// Cuts that came to pass.
    cuts: AtomicU32,
}

/// One connection through it.
#[derive(Default)]
struct Link {
    is_silent: AtomicBool,
}

impl Proxy {
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || accept(&listener, &shared));
        Self { port, state }
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Leads to another server from now on, or to none.
    pub fn lead_to(&self, server: Option<u16>) {
        self.state.server.store(server.unwrap_or(0), Ordering::SeqCst);
    }

    /// Plans a cut.
    pub fn cut(&self, cut: Cut) {
        *self.state.cut.lock().unwrap() = Some(cut);
    }

    /// Lets nothing pass, and tells nobody, until it is [healed](Self::heal).
    pub fn part(&self) {
        self.state.is_parted.store(true, Ordering::SeqCst);
    }

    /// Lets everything pass again, on new connections.
    pub fn heal(&self) {
        *self.state.cut.lock().unwrap() = None;
        self.state.is_parted.store(false, Ordering::SeqCst);
    }

    pub fn cuts(&self) -> u32 {
        self.state.cuts.load(Ordering::SeqCst)
    }
}

fn accept(listener: &TcpListener, state: &Arc<State>) {
    for client in listener.incoming() {
        let Ok(client) = client else { return };
        if state.is_parted.load(Ordering::SeqCst) {
            // It is connected, as far as it knows, to nobody.
            let state = Arc::clone(state);
            thread::spawn(move || {
                while state.is_parted.load(Ordering::SeqCst) {
                    thread::sleep(std::time::Duration::from_millis(5));
                }
                let _ = connect_unspec(&client);
            });
            continue;
        }
        let Ok(server) = TcpStream::connect(("127.0.0.1", state.server.load(Ordering::SeqCst))) else {
            let _ = connect_unspec(&client);
            continue;
        };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let link = Arc::<Link>::default();
        for (way, from, to) in [(Way::ToServer, &client, &server), (Way::ToNode, &server, &client)] {
            let (Ok(mut from), Ok(mut to)) = (from.try_clone(), to.try_clone()) else { continue };
            let (state, link) = (Arc::clone(state), Arc::clone(&link));
            thread::spawn(move || {
                pump(way, &mut from, &mut to, &state, &link);
                let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
            });
        }
    }
}

/// Carries bytes until the connection ends or is cut.
fn pump(way: Way, from: &mut TcpStream, to: &mut TcpStream, state: &State, link: &Link) {
    let mut bytes = [0; 4096];
    loop {
        let Ok(read @ 1..) = from.read(&mut bytes) else { return };
        if state.is_parted.load(Ordering::SeqCst) {
            link.is_silent.store(true, Ordering::SeqCst);
        }
        if link.is_silent.load(Ordering::SeqCst) {
            continue;
        }
        let (pass, cut) = allowed(way, read, &mut state.cut.lock().unwrap());
        if to.write_all(&bytes[..pass]).is_err() {
            return;
        }
        let Some(cut) = cut else { continue };
        state.cuts.fetch_add(1, Ordering::SeqCst);
        if cut.is_silent {
            link.is_silent.store(true, Ordering::SeqCst);
        } else {
            // Which resets it, at both ends.
            let _ = (connect_unspec(&*from), connect_unspec(&*to));
            return;
        }
    }
}

fn allowed(way: Way, read: usize, plan: &mut Option<Cut>) -> (usize, Option<Cut>) {
    match plan {
        Some(cut) if cut.way == way && cut.bytes < read => (cut.bytes, plan.take()),
        Some(cut) if cut.way == way => {
            cut.bytes -= read;
            (read, None)
        }
        _ => (read, None),
    }
}
