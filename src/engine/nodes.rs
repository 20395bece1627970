//! The keyring that all nodes of a store must have.

use crate::keys::{Age, Inventory, Keyring};
use crate::store::{Record, Space, StoreError};

/// Bytes behind the content of a stored record.
const TRAILER: usize = 33;

/// Which keyring this node has, and whether the others were told.
#[derive(Debug)]
pub(super) struct Nodes {
    ours: Inventory,
    is_told: bool,
}

impl Nodes {
    /// Of a node with this keyring; nothing is told yet.
    pub fn new(keyring: &Keyring) -> Self {
        Self { ours: Inventory::of(keyring), is_told: false }
    }

    /// Hears which keyring another node has, or this one had before.
    ///
    /// # Errors
    /// [`StoreError::StaleKeyring`] if ours did not come of it;
    /// [`StoreError::Corrupt`] if it cannot be read.
    pub fn hear(&mut self, told: &[u8]) -> Result<(), StoreError> {
        const DAMAGED: StoreError = StoreError::Corrupt("what keys a keyring has cannot be read");
        match self.ours.age(&Inventory::from_bytes(told).ok_or(DAMAGED)?) {
            Age::Same => self.is_told = true,
            Age::Newer => self.is_told = false,
            Age::Older | Age::Apart => return Err(StoreError::StaleKeyring),
        }
        Ok(())
    }

    /// Looks whether a group brings a newer keyring than ours, before the group's MACs are
    /// checked, for which that one may be needed. Whoever forges it has a node stop, as
    /// any other forged group does.
    ///
    /// # Errors
    /// [`StoreError::StaleKeyring`].
    pub fn look_at(&self, records: &[Record]) -> Result<(), StoreError> {
        let bodies = records.iter().filter(|record| record.space == Space::Keyring);
        let told = bodies.filter_map(|record| record.body.as_deref()?.split_last_chunk::<TRAILER>());
        let mut ages = told.filter_map(|(told, _)| Some(self.ours.age(&Inventory::from_bytes(told)?)));
        if ages.any(|age| age == Age::Older) { Err(StoreError::StaleKeyring) } else { Ok(()) }
    }

    /// What tells the others, unless they have been told.
    pub fn tell(&mut self) -> Option<Record> {
        if std::mem::replace(&mut self.is_told, true) {
            return None;
        }
        Some(Record {
            space: Space::Keyring,
            key: Vec::new(),
            expires: None,
            body: Some(self.ours.to_bytes()),
        })
    }
}
