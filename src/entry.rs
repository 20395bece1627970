//! Cards that are held for a while, and payment sessions' keys under which cards come in
//! encrypted.
//!
//! Nothing of it is stored. Held cards and private keys are in locked memory, bounded, and
//! belong to the peer that they were made for: to another they are unknown. They go when
//! their time is over, whether anybody asks for them or not ([`Entry::sweep`]), when they
//! are released or used, and with [`Entry::close`].
//!
//! The engine's lock is not held here, and nothing here is a clock or draws anything but
//! RSA keys.

mod card;
mod holds;
mod key;
mod self_test;
mod sessions;

pub use card::EnteredPlain;
pub(crate) use card::read as read_card;
pub use key::EntryKey;
pub use self_test::self_test;

use std::time::Instant;

use crate::command::{EnterCard, Refusal};
use crate::secmem::{Region, RegionError};
use crate::types::{CardHandle, EntrySession, Expiry, Pan};
use holds::Holds;
use sessions::Sessions;

/// Most cards held at a time.
pub const MOST_HOLDS: usize = 4_096;
/// Most sessions open at a time.
pub const MOST_SESSIONS: usize = 1_024;

/// What is held and what is open.
#[derive(Debug)]
pub struct Entry {
    holds: Holds,
    sessions: Sessions,
}

/// Locked memory for [`MOST_HOLDS`] cards and [`MOST_SESSIONS`] keys, 128 KiB and 1.2 MiB.
/// Made before the first thread; an [`Entry`] comes and goes in it.
#[derive(Debug, Clone)]
pub struct EntryRegions {
    holds: Region,
    sessions: Region,
}

impl EntryRegions {
    /// The regions.
    ///
    /// # Errors
    /// As [`Region::new`].
    pub fn new() -> Result<Self, RegionError> {
        Self::of(MOST_HOLDS, MOST_SESSIONS)
    }

    /// Regions for fewer.
    ///
    /// # Errors
    /// As [`Region::new`].
    pub fn of(holds: usize, sessions: usize) -> Result<Self, RegionError> {
        let sessions = sessions.saturating_mul(EntryKey::SLOTS);
        Ok(Self { holds: Region::new(holds)?, sessions: Region::new(sessions)? })
    }

    /// Where a key that is made goes.
    pub(crate) const fn sessions(&self) -> &Region {
        &self.sessions
    }
}

impl Entry {
    /// Nothing is held and nothing open. Without regions nothing can be.
    #[must_use]
    pub fn new(regions: Option<EntryRegions>) -> Self {
        let (holds, sessions) = match regions {
            Some(EntryRegions { holds, sessions }) => (Some(holds), Some(sessions)),
            None => (None, None),
        };
        Self { holds: Holds::new(holds), sessions: Sessions::new(sessions) }
    }

    /// Holds a card under a fresh handle until `ends`.
    ///
    /// # Errors
    /// [`Refusal::HoldLimit`]; [`Refusal::Stopped`] once closed.
    pub fn hold(
        &self,
        owner: &str,
        handle: CardHandle,
        card: (&Pan, Expiry),
        ends: Instant,
    ) -> Result<(), Refusal> {
        self.holds.hold(owner, handle, card, ends)
    }

    /// The card that is held for its owner under this handle.
    #[must_use]
    pub fn card(&self, owner: &str, handle: CardHandle, now: Instant) -> Option<(Pan, Expiry)> {
        self.holds.card(owner, handle, now)
    }

    /// Wipes a held card.
    ///
    /// # Errors
    /// [`Refusal::UnknownHold`].
    pub fn release(&self, owner: &str, handle: CardHandle, now: Instant) -> Result<(), Refusal> {
        self.holds.release(owner, handle, now)
    }

    /// Where to make the key of a session.
    ///
    /// # Errors
    /// [`Refusal::EntryLimit`] if there is no room for one more.
    pub fn room(&self) -> Result<Region, Refusal> {
        self.sessions.room()
    }

    /// Opens a session with a key that was made meanwhile, until `ends`.
    ///
    /// # Errors
    /// [`Refusal::EntryLimit`]; [`Refusal::Stopped`] once closed.
    pub fn open(
        &self,
        owner: &str,
        session: EntrySession,
        key: EntryKey,
        ends: Instant,
    ) -> Result<(), Refusal> {
        self.sessions.open(owner, session, key, ends)
    }

    /// Decrypts a card, and ends its session if it is one.
    ///
    /// # Errors
    /// [`Refusal::HoldLimit`] if the card could not be held then, which costs nothing;
    /// [`Refusal::UnknownEntry`]; [`Refusal::EntryRefused`], and the session ends with its
    /// fifth.
    pub fn enter(&self, owner: &str, enter: &EnterCard<'_>, now: Instant) -> Result<EnteredPlain, Refusal> {
        if self.holds.is_full() {
            return Err(Refusal::HoldLimit);
        }
        self.sessions.enter(owner, enter, now)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// [`Refusal::UnknownEntry`].
    pub fn end(&self, owner: &str, session: EntrySession, now: Instant) -> Result<(), Refusal> {
        self.sessions.end(owner, session, now)
    }

    /// Wipes everything whose time is over. Call it now and then.
    pub fn sweep(&self, now: Instant) {
        self.holds.sweep(now);
        self.sessions.sweep(now);
    }

    /// Wipes everything, and takes nothing any more.
    pub fn close(&self) {
        self.holds.close();
        self.sessions.close();
    }

    /// How many cards are held and how many sessions are open, those included whose time
    /// is over and that were not swept yet.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        (self.holds.len(), self.sessions.len())
    }
}

#[cfg(test)]
mod tests;
