//! A second node on the same disk. It follows what the first appends, takes over when
//! that ends, and now and then in its midst; from outside they are one.

use std::sync::Arc;

use tallystick::engine::{Chain, Engine, Unsealed};
use tallystick::store::{Follow, Followed, MemoryStore, Store, StoreError};
use tallystick::types::UnixTime;

use super::Server;
use crate::trace::fail;
use crate::world::World;

/// A node that runs beside the one that serves.
pub struct Standby {
    pub engine: Engine<Unsealed>,
    pub chain: Chain,
    pub store: MemoryStore,
}

struct Following<'s>(&'s mut Engine<Unsealed>, &'s mut Chain, &'s mut u64);

impl Follow for Following<'_> {
    fn follow(&mut self, group: Followed<'_>) -> Result<(), StoreError> {
        *self.2 += 1;
        self.0.follow(self.1, group)
    }
}

impl Standby {
    /// Follows up to the newest group. How many it followed.
    fn catch_up(&mut self) -> Result<u64, StoreError> {
        let Self { engine, chain, store } = self;
        let mut count = 0;
        store.turn(&mut Following(engine, chain, &mut count))?;
        store.rest()?;
        Ok(count)
    }
}

impl Server {
    /// A store of the next name, or of one's own.
    pub fn open_store(&self) -> MemoryStore {
        if self.is_shared {
            MemoryStore::join(&self.disk, u32::try_from(self.start % 2).unwrap())
        } else {
            MemoryStore::open(&self.disk)
        }
    }
}

impl World {
    /// The other node follows; one that was away too long starts anew.
    pub fn follow(&mut self) {
        let Some(mut standby) = self.server.standby.take() else { return };
        match standby.catch_up() {
            Ok(count) => {
                self.trace.counts_add("groups followed", count);
                self.server.standby = Some(standby);
            }
            Err(StoreError::StaleKeyring) => self.trace.count("nodes with an older keyring that stopped"),
            Err(StoreError::Fenced) => self.trace.count("nodes that were too far behind"),
            Err(error) => fail(None, format!("a node cannot follow: {error}")),
        }
    }

    /// A second node starts, if there is none.
    pub fn join(&mut self) {
        if !self.server.is_shared || self.server.standby.is_some() || self.server.up.is_none() {
            return;
        }
        let node = u32::try_from((self.server.start + 1) % 2).unwrap();
        let mut store = MemoryStore::join(&self.server.disk, node);
        let keyring = Arc::clone(&self.server.keyring);
        let now = UnixTime::from_seconds(self.clock.wall());
        let engine = Engine::new(self.server.config.clone());
        match engine.unseal(keyring, &mut store, &[], now) {
            Ok((engine, chain)) => self.server.standby = Some(Standby { engine, chain, store }),
            Err(error) => fail(None, format!("a second node cannot start: {error}")),
        }
    }

    /// The two change places, if nothing is under way.
    pub fn change_places(&mut self) {
        self.follow();
        let keyring = &self.server.keyring;
        let is_stale = |standby: &mut Standby| !Arc::ptr_eq(standby.engine.keyring(), keyring);
        if self.server.standby.take_if(is_stale).is_some() {
            fail(None, "a node with an older keyring goes on following".to_owned());
        }
        let Some(up) = self.server.up.as_mut().filter(|up| up.is_quiet()) else { return };
        let Some(standby) = &mut self.server.standby else { return };
        std::mem::swap(&mut up.engine, &mut standby.engine);
        std::mem::swap(&mut up.chain, &mut standby.chain);
        std::mem::swap(&mut up.store, &mut standby.store);
        up.receipt = up.store.receipt();
        up.engine.close(up.closed);
        self.trace.count("times nodes changed places");
    }
}
