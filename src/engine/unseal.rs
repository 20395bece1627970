//! Opening the engine: what is stored is loaded and its chain checked.

use std::collections::HashMap;
use std::sync::Arc;

use super::book::{Book, Entry};
use super::idempotency::Memory;
use super::load::Loader;
use super::short_values::ShortValues;
use super::{Chain, Engine, EngineConfig, EngineError, OpenGroup, Unsealed};
use crate::crypto::MacState;
use crate::keys::Keyring;
use crate::store::{ChainHead, GroupNumber, Store};
use crate::types::{KeyVersion, UnixTime};

/// Loads everything.
///
/// # Errors
/// [`EngineError::Store`] or [`EngineError::Chain`].
pub(super) fn unseal(
    config: EngineConfig,
    keyring: Arc<Keyring>,
    store: &mut dyn Store,
    now: UnixTime,
) -> Result<(Engine<Unsealed>, Chain), EngineError> {
    let audit: Vec<(KeyVersion, MacState)> =
        keyring.audit.iter().map(|(version, key)| (version, key.mac_state())).collect();
    let mut loader = Loader::new(audit);
    let loaded = store.load(&mut loader);
    if let Some(number) = loader.broken_at() {
        return Err(EngineError::Chain(number.0));
    }
    loaded?;
    let (state, head) = loader.finish(Arc::clone(&keyring), now);
    let chain = Chain::new(&keyring, store.epoch(), head);
    Ok((Engine { config, state }, chain))
}

impl Loader {
    fn finish(self, keyring: Arc<Keyring>, now: UnixTime) -> (Unsealed, ChainHead) {
        let Self { book, mut memory, par_links, short_values, head, .. } = self;
        memory.sort();
        memory.expire(now);
        let GroupNumber(newest) = head.number;
        let state = Unsealed {
            keyring,
            book,
            memory,
            par_links,
            short_values,
            open: OpenGroup::default(),
            number: GroupNumber(newest + 1),
        };
        (state, head)
    }

    pub(super) fn new(audit: Vec<(KeyVersion, MacState)>) -> Self {
        Self {
            book: Book::new(),
            memory: Memory::default(),
            par_links: HashMap::new(),
            short_values: ShortValues::default(),
            head: ChainHead::START,
            audit,
            broken: None,
        }
    }
}

impl Entry {
    /// The entry of a stored token, its counters at zero.
    pub(super) fn of(record: &super::record::TokenRecord, domain: u32) -> Self {
        Self {
            token: record.view.token,
            trid: record.view.trid,
            counters: crate::types::Counters::default(),
            domain,
            expiry: record.view.expiry,
            revision: record.revision,
            status: record.view.providers.overall(),
        }
    }
}
