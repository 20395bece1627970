//! Where stored records belong: at a start, and as other nodes write them.

use std::collections::HashMap;

use super::cards::{CardId, Cards};
use super::ghosts::Ghosts;
use super::idempotency::Memory;
use super::lockouts::{Lockouts, Target};
use super::nodes::Nodes;
use super::profiles::Profiles;
use super::short_values::ShortValues;
use crate::store::{Record, Space, StoreError, TokenSlot};
use crate::types::Par;

/// All that keeps its content in records.
pub(super) struct Records<'s> {
    pub profiles: &'s mut Profiles,
    pub memory: &'s mut Memory,
    pub par_links: &'s mut HashMap<[u8; 32], Par>,
    pub short_values: &'s mut ShortValues,
    pub lockouts: &'s mut Lockouts<TokenSlot>,
    pub cards: &'s mut Cards,
    pub card_lockouts: &'s mut Lockouts<CardId>,
    pub nodes: &'s mut Nodes,
}

impl Records<'_> {
    /// Takes a record whose MAC was checked, or its removal.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it cannot be read.
    pub fn take(self, record: Record) -> Result<(), StoreError> {
        match record.space {
            Space::ShortValues | Space::BadMacs | Space::CardMisses if Ghosts::own(&record) => Ok(()),
            _ if record.body.is_none() => self.remove(&record),
            Space::Idempotency => self.memory.restore(record),
            Space::ShortValues => self.short_values.restore(&record),
            Space::BadMacs => self.lockouts.restore(&record),
            Space::Card => self.cards.restore(&record),
            Space::CardMisses => self.card_lockouts.restore(&record),
            Space::Profile => self.profiles.restore(&record),
            Space::ParLink => self.link(record),
            Space::Keyring => self.nodes.hear(record.body.as_deref().unwrap_or_default()),
        }
    }

    fn remove(self, record: &Record) -> Result<(), StoreError> {
        const DAMAGED: StoreError = StoreError::Corrupt("a record was removed that never is");
        let slot = || TokenSlot::from_key(&record.key).ok_or(DAMAGED);
        let card = || CardId::from_key(&record.key).ok_or(DAMAGED);
        match record.space {
            Space::ShortValues => self.short_values.forget(slot()?),
            Space::BadMacs => drop(self.lockouts.clear(slot()?)),
            Space::CardMisses => drop(self.card_lockouts.clear(card()?)),
            Space::Idempotency | Space::ParLink | Space::Profile | Space::Card | Space::Keyring => {
                return Err(DAMAGED);
            }
        }
        Ok(())
    }

    fn link(self, record: Record) -> Result<(), StoreError> {
        const DAMAGED: StoreError = StoreError::Corrupt("a PAR link cannot be read");
        let fingerprint: [u8; 32] = record.key.try_into().map_err(|_| DAMAGED)?;
        let text = String::from_utf8(record.body.ok_or(DAMAGED)?).map_err(|_| DAMAGED)?;
        self.par_links.insert(fingerprint, Par::parse(&text).map_err(|_| DAMAGED)?);
        Ok(())
    }
}
