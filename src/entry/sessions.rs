//! Payment sessions' keys, by their names.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::card::{self, EnteredPlain};
use super::key::EntryKey;
use crate::command::{EnterCard, Refusal};
use crate::secmem::Region;
use crate::types::EntrySession;

/// How often a session may be tried. The last failure ends it.
const TRIES: u8 = 5;

/// The sessions that are open.
#[derive(Debug)]
pub(super) struct Sessions {
    /// None if there is no locked memory for them.
    region: Option<Region>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    open: HashMap<EntrySession, Session>,
    closed: bool,
}

#[derive(Debug)]
struct Session {
    owner: Box<str>,
    /// Whoever decrypts has it too; once all have let go of it, it is wiped.
    key: Arc<EntryKey>,
    tries_left: u8,
    ends: Instant,
}

impl Sessions {
    pub fn new(region: Option<Region>) -> Self {
        Self { region, kept: Mutex::default() }
    }

    pub fn room(&self) -> Result<Region, Refusal> {
        if self.kept().closed {
            return Err(Refusal::Stopped);
        }
        let roomy = |region: &&Region| region.free_slots() >= EntryKey::SLOTS;
        self.region.as_ref().filter(roomy).cloned().ok_or(Refusal::EntryLimit)
    }

    pub fn open(
        &self,
        owner: &str,
        session: EntrySession,
        key: EntryKey,
        ends: Instant,
    ) -> Result<(), Refusal> {
        let mut kept = self.kept();
        if kept.closed {
            return Err(Refusal::Stopped);
        }
        let opened = Session { owner: owner.into(), key: Arc::new(key), tries_left: TRIES, ends };
        kept.open.insert(session, opened);
        Ok(())
    }

    pub fn enter(&self, owner: &str, enter: &EnterCard<'_>, now: Instant) -> Result<EnteredPlain, Refusal> {
        let key = self.begin(owner, enter.session, now)?;
        // Not under the lock: it takes a millisecond.
        let entered = key.open(enter.ciphertext).and_then(|plain| card::read(&plain));
        drop(key);
        let mut kept = self.kept();
        if entered.is_ok() {
            // One card a session: of two at a time the first to come here has it.
            kept.open.remove(&enter.session).ok_or(Refusal::UnknownEntry)?;
        } else if kept.open.get(&enter.session).is_some_and(|session| session.tries_left == 0) {
            kept.open.remove(&enter.session);
        }
        entered
    }

    pub fn end(&self, owner: &str, session: EntrySession, now: Instant) -> Result<(), Refusal> {
        let mut kept = self.kept();
        if !kept.open.get(&session).is_some_and(|session| session.is_of(owner, now)) {
            return Err(Refusal::UnknownEntry);
        }
        kept.open.remove(&session);
        Ok(())
    }

    pub fn sweep(&self, now: Instant) {
        self.kept().open.retain(|_, session| now < session.ends);
    }

    pub fn close(&self) {
        let mut kept = self.kept();
        kept.open.clear();
        kept.closed = true;
    }

    pub fn len(&self) -> usize {
        self.kept().open.len()
    }

    /// Takes one try, before it is known how it ends: so there are no more than that, at
    /// a time or one after the other.
    fn begin(&self, owner: &str, session: EntrySession, now: Instant) -> Result<Arc<EntryKey>, Refusal> {
        let mut kept = self.kept();
        let open = kept.open.get_mut(&session).filter(|session| session.is_of(owner, now));
        let open = open.ok_or(Refusal::UnknownEntry)?;
        open.tries_left = open.tries_left.checked_sub(1).ok_or(Refusal::UnknownEntry)?;
        Ok(Arc::clone(&open.key))
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Each change of the map is whole by itself.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn is_of(&self, owner: &str, now: Instant) -> bool {
        *self.owner == *owner && now < self.ends
    }
}
