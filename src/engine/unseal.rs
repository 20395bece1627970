//! Opening the engine: what is stored is loaded and checked.

use std::sync::Arc;

use super::ghosts::Ghosts;
use super::load::Loader;
use super::rates::Rates;
use super::{Anchor, Chain, Engine, EngineError, OpenGroup, Sealed, Unsealed, anchor};
use crate::keys::Keyring;
use crate::store::{ChainHead, GroupNumber, Store};
use crate::types::UnixTime;

/// Loads everything.
///
/// # Errors
/// [`EngineError::Store`], [`EngineError::Chain`] or [`EngineError::Rollback`].
pub(super) fn unseal(
    engine: Engine<Sealed>,
    keyring: Arc<Keyring>,
    store: &mut dyn Store,
    anchors: &[Option<Anchor>],
    now: UnixTime,
) -> Result<(Engine<Unsealed>, Chain), EngineError> {
    let Engine { config, state: Sealed { is_given_up } } = engine;
    let anchored: Vec<ChainHead> = anchors.iter().flatten().map(|anchor| anchor.head).collect();
    let mut loader = Loader::new(Arc::clone(&keyring), config.limits.journal_bytes, &anchored);
    loader.is_given_up = is_given_up;
    let loaded = store.load(&mut loader);
    if let Some(number) = loader.broken_at() {
        return Err(EngineError::Chain(number.0));
    }
    loaded?;
    loader.check()?;
    anchor::check(anchors, &loader, store, &keyring)?;
    let rates = Rates::new(config.limits.token_per_minute);
    let (state, chain) = loader.finish(keyring, store, now, rates);
    Ok((Engine { config, state }, chain))
}

impl Loader {
    fn finish(
        mut self,
        keyring: Arc<Keyring>,
        store: &dyn Store,
        now: UnixTime,
        rates: Rates,
    ) -> (Unsealed, Chain) {
        while self.memory.expire(now) {}
        self.checkpoint.resume(self.standing.first);
        // The first tags are those under the active key.
        let tags = self.tags.drain(..).next().unwrap_or_default();
        let chain = Chain::new(Arc::clone(&keyring), store, self.head, tags);
        let GroupNumber(newest) = self.head.number;
        let state = Unsealed {
            keyring,
            book: self.book,
            memory: self.memory,
            par_links: self.par_links,
            short_values: self.short_values,
            lockouts: self.lockouts,
            cards: self.cards,
            card_lockouts: self.card_lockouts,
            nodes: self.nodes,
            ghosts: Ghosts::default(),
            rates,
            checkpoint: self.checkpoint,
            open: OpenGroup::default(),
            number: GroupNumber(newest + 1),
            closed: None,
        };
        (state, chain)
    }
}
