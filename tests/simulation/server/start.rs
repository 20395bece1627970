//! Starting, stopping and crashing.

use std::collections::VecDeque;
use std::sync::Arc;

use tallystick::crypto::KeyPurpose;
use tallystick::engine::{Anchor, Chain, Engine, EngineError, Unsealed};
use tallystick::keys::Keyring;
use tallystick::store::{MemoryStore, Store};
use tallystick::types::{KeyVersion, UnixTime};

use super::{Committer, Keeper, Mood, Server, Standby, Up};
use crate::trace::fail;
use crate::world::{Event, World};

/// Why nothing came of a start.
#[derive(Debug)]
pub enum NoStart {
    /// The place of the anchor cannot be read.
    Place,
    /// What it holds is no anchor of this keyring.
    Foreign,
    Engine(EngineError),
}

impl Server {
    /// Opens the disk and unseals an engine over it, with the anchor as it is.
    pub fn unseal(
        &self,
        keyring: &Arc<Keyring>,
        now: u64,
    ) -> Result<(Engine<Unsealed>, Chain, MemoryStore), NoStart> {
        let mut store = self.open_store();
        if self.place.mood == Mood::Gone {
            return Err(NoStart::Place);
        }
        let anchor = self.place.bytes.map(|bytes| Anchor::from_bytes(keyring, &bytes)).transpose();
        let anchors = [anchor.map_err(|_| NoStart::Foreign)?];
        let engine = Engine::new(self.config.clone());
        let now = UnixTime::from_seconds(now);
        let (engine, chain) =
            engine.unseal(Arc::clone(keyring), &mut store, &anchors, now).map_err(NoStart::Engine)?;
        Ok((engine, chain, store))
    }
}

impl World {
    /// A start. What keeps it from serving is tried again later.
    pub fn start(&mut self) {
        if self.server.up.is_some() {
            return;
        }
        // With an anchor for each node, an older one put back is not told: see the threat model.
        if self.trouble.attack_is_due() && !self.server.is_shared {
            self.attack();
        }
        self.server.start += 1;
        let now = self.clock.wall();
        if self.trouble.dies_while_starting() {
            drop(self.server.open_store());
            return self.start_later("it died before the engine was unsealed");
        }
        self.follow();
        let keys = |standby: &Standby| Arc::ptr_eq(standby.engine.keyring(), &self.server.keyring);
        let standby = self.server.standby.take_if(|standby| keys(standby));
        let takes_over = standby.is_some();
        let opened = match standby {
            Some(Standby { engine, chain, store }) => Ok((engine, chain, store)),
            None => self.server.unseal(&self.server.keyring, now),
        };
        let (mut engine, chain, store) = match opened {
            Ok(opened) => opened,
            Err(NoStart::Place) => return self.start_later("the anchor cannot be read"),
            Err(error) => fail(None, format!("an honest start is refused: {error:?}")),
        };
        // The other node may have served before, in other times.
        while engine.expire(UnixTime::from_seconds(now)) {}
        engine.close(None);
        let head = store.receipt().newest().0;
        self.check_head(head);
        if takes_over {
            self.trace.count("times the other node took over");
        }
        self.model.restart(head, now);
        (self.server.durable, self.server.sealed) = (head, head);
        let tokens = self.model.decided.tokens.len();
        if engine.token_count() != tokens || engine.horizon().0 != head {
            fail(None, format!("{} tokens and not {tokens} after a start", engine.token_count()));
        }
        if self.trouble.dies_while_starting() {
            return self.start_later("it died before the anchor was told");
        }
        let (receipt, keeper) = (store.receipt(), Keeper::new(chain.head()));
        let head = chain.head();
        self.server.up = Some(Up {
            engine,
            chain,
            store,
            receipt,
            keeper,
            committer: Committer::Idle,
            closed: None,
            tidied: self.clock.ms,
            waiting: VecDeque::new(),
            questions: Vec::new(),
        });
        let told = self.anchor_bytes(head).is_some_and(|bytes| self.server.place.write(bytes));
        if !told || self.trouble.dies_while_starting() {
            self.server.up = None;
            return self.start_later("the anchor could not be told");
        }
        let noted = self.server.up.as_mut().map(|up| up.store.set_anchored());
        if !matches!(noted, Some(Ok(()))) {
            self.server.up = None;
            self.trace.count("anchorings that could not be noted");
            return self.start_later("that the anchor was told could not be noted");
        }
        if let Some(up) = self.server.up.as_mut().filter(|_| self.server.is_shared) {
            up.engine.tell_keyring();
        }
        self.server.older_is_told = true;
        self.trace.count("starts");
        let epoch = self.server.up.as_ref().map_or(0, |up| up.store.epoch().0);
        self.trace.tell(
            self.clock.ms,
            None,
            format!("serving, epoch {epoch}, head {}, {tokens} tokens", head.number.0),
        );
        self.agenda.after(100, Event::Tick(self.server.start));
    }

    /// What was acknowledged is there, and nothing is there that never was.
    fn check_head(&mut self, head: u64) {
        let durable = self.server.durable;
        if head < durable || head > self.server.sealed.max(durable).min(durable + 1) {
            fail(None, format!("group {head} is the newest after a start, but {durable} was acknowledged"));
        }
        if head > durable {
            self.trace.count("groups that were durable though nobody was told");
        }
    }

    fn start_later(&mut self, why: &str) {
        self.trace.count("starts that came to nothing");
        self.trace.tell(self.clock.ms, None, format!("no start: {why}"));
        let wait = self.trouble.dice.between(50, 600);
        self.agenda.after(wait, Event::Start);
    }

    /// It all ends at once, and starts again after a while. What is on its way to
    /// disk or anchor may or may not arrive.
    pub fn crash(&mut self) {
        if let Some(up) = &mut self.server.up
            && let Committer::Busy(group, _) = &up.committer
            && self.trouble.dice.chance(500)
        {
            drop(up.store.append(group));
        }
        self.trace.count("crashes");
        self.stop("a crash");
    }

    /// The engine is gone; what the keeper was writing may have arrived.
    pub fn stop(&mut self, why: &str) {
        let Some(up) = self.server.up.take() else { return };
        if let Some(bytes) = up.keeper.unfinished()
            && self.trouble.dice.chance(500)
        {
            self.server.place.write(bytes);
        }
        self.trace.tell(self.clock.ms, None, format!("down: {why}"));
        self.trouble.attack_soon();
        let wait = self.trouble.dice.between(20, 600);
        self.agenda.after(wait, Event::Start);
    }

    /// An orderly end: what was decided is committed, and the anchor told.
    pub fn shut_down(&mut self) {
        let Some(up) = &mut self.server.up else { return };
        if !matches!(up.committer, Committer::Idle) {
            return self.agenda.after(3, Event::ShutDown(self.server.start));
        }
        while let Some(open) = up.engine.take_group() {
            let group = up.chain.seal(open, up.keeper.anchored());
            self.server.sealed = group.number.0;
            self.trace.tell_group(self.clock.ms, &group);
            match up.store.append(&group) {
                Ok(receipt) => {
                    up.receipt = receipt;
                    self.server.durable = group.number.0;
                    self.model.commit(group.number.0);
                }
                Err(_) => return self.stop("the last group could not be written"),
            }
        }
        self.open_waiting();
        let head = self.server.up.as_ref().map(|up| up.chain.head());
        if let Some(bytes) = head.and_then(|head| self.anchor_bytes(head)) {
            self.server.place.write(bytes);
        }
        self.trace.count("orderly stops");
        self.server.up = None;
        self.trace.tell(self.clock.ms, None, "down: in order".to_owned());
        if self.trouble.dice.chance(600) {
            self.rotate();
        }
        self.agenda.after(300, Event::Start);
    }

    /// A key gets a new version; one of some age is destroyed.
    fn rotate(&mut self) {
        let purposes = [KeyPurpose::TokenDerivation, KeyPurpose::PanSealing, KeyPurpose::Audit];
        let purpose = *self.trouble.dice.pick(&purposes);
        let server = &mut self.server;
        let now = UnixTime::from_seconds(self.clock.wall());
        let version = server.keys.rotate(&server.random, purpose, now).unwrap().get();
        match purpose {
            KeyPurpose::TokenDerivation => {
                self.model.token_key = version;
                self.model.token_keys.insert(version);
                // The grace of a token derivation key: two versions back.
                if version > 2 && self.model.token_keys.remove(&(version - 2)) {
                    let old = KeyVersion::new(version - 2).unwrap();
                    server.keys.destroy(purpose, old).unwrap();
                    self.trace.count("keys destroyed");
                }
            }
            KeyPurpose::PanSealing => self.model.sealing_key = version,
            _ => {}
        }
        let keyring = Arc::new(server.keys.load().unwrap());
        let older = std::mem::replace(&mut server.keyring, keyring);
        // Of the keys that seal PANs the anchor knows nothing.
        server.older = (purpose != KeyPurpose::PanSealing).then_some(older);
        server.older_is_told = false;
        self.trace.count("keys rotated");
        self.trace.tell(self.clock.ms, None, format!("{} has version {version}", purpose.name()));
    }
}
