//! A daemon's inside without its process: connections are served here, over an
//! engine on a disk in memory.

use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Instant;

use tallystick::client::Client;
use tallystick::command::Caller;
use tallystick::crypto::SystemRandom;
use tallystick::daemon::anchor::Keeper;
use tallystick::daemon::audit::Recorder;
use tallystick::daemon::backup::Backups;
use tallystick::daemon::{Committer, Door, Hall, Lobby, Metrics, Rates, serve};
use tallystick::engine::{Engine, EngineLimits};
use tallystick::keys::OpenKeyring;
use tallystick::store::{MemoryDisk, MemoryStore, Store};
use tallystick::types::UnixTime;

const NOW: UnixTime = UnixTime::from_seconds(super::NOW);

/// Whoever is let in here is who they say.
#[derive(Clone)]
pub struct House(Arc<Lobby>);

impl House {
    pub fn new() -> Self {
        Self::over(MemoryStore::open(&MemoryDisk::new()))
    }

    /// The same over a store of one's own.
    pub fn over(store: impl Store + 'static) -> Self {
        Self::with(store, &super::new_keys())
    }

    /// The same with keys of one's own.
    pub fn with(mut store: impl Store + 'static, keys: &OpenKeyring) -> Self {
        let keyring = Arc::new(keys.load().unwrap());
        let engine = Engine::new(super::config(EngineLimits::default()));
        let (engine, chain) = engine.unseal(Arc::clone(&keyring), &mut store, &[], NOW).unwrap();
        let hall = Arc::new(Hall::new(engine, store.receipt()));
        let lobby = Lobby {
            house: tallystick::daemon::House::of(Arc::clone(&hall), keyring, store.epoch().0),
            metrics: Metrics::new(),
            rates: Rates::default(),
            audit: Recorder::none(),
            backups: Backups::default(),
            frame: 65_536,
            in_flight: 1024,
            clock: || NOW,
            random: Box::new(SystemRandom),
            started: Instant::now(),
        };
        let committer = Committer::new(hall, Box::new(store), chain, Keeper::none(), || NOW);
        std::thread::spawn(move || committer.run());
        Self(Arc::new(lobby))
    }

    /// A connection of a caller through a door.
    pub fn enter(&self, caller: Caller, door: Door) -> Client<UnixStream> {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let lobby = Arc::clone(&self.0);
        std::thread::spawn(move || serve(&mut theirs, &lobby, &caller, door));
        Client::over(ours, "test").unwrap()
    }
}
