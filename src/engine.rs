//! The engine: a command comes in, an answer and a journal record go out.
//!
//! It has no files, sockets, threads, clock or randomness of its own: they come
//! in as parameters, so a seeded run repeats. Whatever it decides is pending
//! until the group it went into is durable: see [`Pending`].

mod anchor;
mod authentic;
mod book;
mod cards;
mod chain;
mod checkpoint;
mod config;
mod context;
mod error;
mod field_mint;
mod follow;
mod ghosts;
mod idempotency;
mod load;
mod lockouts;
mod mint;
mod misses;
mod nodes;
mod open_group;
mod operation;
mod page;
mod pending;
mod profiles;
mod rates;
mod record;
mod records;
mod row;
#[cfg(test)]
mod samples;
mod self_test;
mod short_values;
mod survey;
mod tags;
mod unseal;

pub use anchor::{Anchor, AnchorError, Rollback};
pub use chain::Chain;
pub use config::{EngineConfig, EngineLimits};
pub use context::Context;
pub use error::EngineError;
pub use field_mint::FieldProof;
pub use mint::{Mint, Proof};
pub use open_group::OpenGroup;
pub use operation::{Fetched, Need, Outcome};
pub use pending::{Answer, IssueTask, Pending};
pub use self_test::self_test;
pub use survey::Survey;

use std::collections::HashMap;
use std::sync::Arc;

use crate::command::Refusal;
use crate::keys::Keyring;
use crate::store::{CounterMove, GroupNumber, PageKind, Store, TokenSlot};
use crate::types::{Atc, Par, TokenNumber, UnixTime};
use book::Book;
pub use cards::CardId;
use cards::Cards;
use checkpoint::Checkpoint;
use ghosts::Ghosts;
use idempotency::Memory;
use lockouts::Lockouts;
use nodes::Nodes;
use rates::Rates;
use short_values::ShortValues;

/// The engine in one of its states: [`Sealed`] without keys, [`Unsealed`] with.
pub struct Engine<S> {
    config: EngineConfig,
    state: S,
}

/// No keys are loaded; nothing can be asked.
pub struct Sealed {
    is_given_up: Option<GivenUp>,
}

/// Whether what is being loaded is wanted no more.
type GivenUp = Box<dyn Fn() -> bool + Send + Sync>;

/// Keys and tokens are loaded.
pub struct Unsealed {
    keyring: Arc<Keyring>,
    book: Book,
    memory: Memory,
    par_links: HashMap<[u8; 32], Par>,
    short_values: ShortValues,
    lockouts: Lockouts<TokenSlot>,
    cards: Cards,
    card_lockouts: Lockouts<CardId>,
    nodes: Nodes,
    ghosts: Ghosts,
    rates: Rates,
    checkpoint: Checkpoint,
    open: OpenGroup,
    /// The number of the open group.
    number: GroupNumber,
    /// Why nothing new is taken on, if so.
    closed: Option<Refusal>,
}

impl Engine<Sealed> {
    /// An engine without keys.
    #[must_use]
    pub const fn new(config: EngineConfig) -> Self {
        Self { config, state: Sealed { is_given_up: None } }
    }

    /// The same, which gives up unsealing as soon as this says so: it is asked at every
    /// page, row and group that is loaded.
    #[must_use]
    pub fn given_up_if(self, is_given_up: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self { state: Sealed { is_given_up: Some(Box::new(is_given_up)) }, ..self }
    }

    /// Loads keys and everything stored, and checks that it is what was stored:
    /// pages, rows and records by their MACs, the journal by its chain, and all of
    /// it by what each anchor remembers. With no anchors, an older copy of the
    /// store passes. The [`Chain`] goes to whoever commits.
    ///
    /// # Errors
    /// [`EngineError::Store`], [`EngineError::Chain`] or [`EngineError::Rollback`]
    /// if what is stored cannot be trusted, or it was given up; the engine stays sealed.
    pub fn unseal(
        self,
        keyring: Arc<Keyring>,
        store: &mut dyn Store,
        anchors: &[Option<Anchor>],
        now: UnixTime,
    ) -> Result<(Engine<Unsealed>, Chain), EngineError> {
        unseal::unseal(self, keyring, store, anchors, now)
    }
}

impl Engine<Unsealed> {
    /// The loaded keys.
    #[must_use]
    pub fn keyring(&self) -> &Arc<Keyring> {
        &self.state.keyring
    }

    /// The number of tokens, deactivated ones included.
    #[must_use]
    pub fn token_count(&self) -> usize {
        self.state.book.len()
    }

    /// The number of idempotency keys remembered.
    #[must_use]
    pub fn idempotency_keys(&self) -> usize {
        self.state.memory.len()
    }

    /// The number of cards known by their counters, and of those that have used up nine
    /// tenths of them.
    #[must_use]
    pub fn cards(&self) -> (usize, usize) {
        (self.state.cards.len(), self.state.cards.worn())
    }

    /// The number of cards that are linked to a PAR.
    #[must_use]
    pub fn par_links(&self) -> usize {
        self.state.par_links.len()
    }

    /// Skips so many counters of every card whose cryptograms are made here, known or not:
    /// more than can have been issued since a copy was made that is to be gone on with.
    pub fn skip_card_counters(&mut self, count: u32) {
        let ids = self.state.cards.skip(count);
        let records = ids.iter().map(|id| self.state.cards.record(*id));
        self.state.open.records.extend(records);
    }

    /// The group that must be durable before anything decided so far may leave:
    /// the open one if it holds anything, else the last one taken.
    #[must_use]
    pub fn horizon(&self) -> GroupNumber {
        let GroupNumber(number) = self.state.number;
        if self.state.open.is_empty() { GroupNumber(number - 1) } else { GroupNumber(number) }
    }

    /// Brings what is stored of tokens into the processor's cache, together: worth it
    /// before many are decided on.
    pub fn fetch_ahead(&self, tokens: impl Iterator<Item = TokenNumber>) {
        self.state.book.fetch_ahead(tokens);
    }

    /// Whether there is something to be committed.
    #[must_use]
    pub fn has_open_group(&self) -> bool {
        !self.state.open.is_empty()
    }

    /// Takes what is to be committed next, if there is anything; the next group
    /// opens. Groups must be committed in the order in which they are taken.
    pub fn take_group(&mut self) -> Option<OpenGroup> {
        let state = &mut self.state;
        if state.open.is_empty() {
            return None;
        }
        let next = OpenGroup::with_room_of(&state.open);
        let mut taken = std::mem::replace(&mut state.open, next);
        taken.pages = state.checkpoint.advance(&state.book, state.number, taken.weight());
        taken.first = state.checkpoint.first();
        let GroupNumber(number) = state.number;
        state.number = GroupNumber(number + 1);
        Some(taken)
    }

    /// Says to other nodes which keyring this one has, if it is newer than what they have
    /// been told. Call it at this node's turn.
    pub fn tell_keyring(&mut self) {
        self.state.open.records.extend(self.state.nodes.tell());
    }

    /// Takes nothing new on from now on, for this reason; or everything again.
    /// Reading goes on, and so does answering what a key was answered before.
    pub fn close(&mut self, why: Option<Refusal>) {
        self.state.closed = why;
    }

    /// Why nothing new is taken on, if so.
    #[must_use]
    pub const fn closed(&self) -> Option<Refusal> {
        self.state.closed
    }

    /// Says that every group up to `number` is durable, so that rows kept for
    /// reading back may be forgotten.
    pub fn committed(&mut self, number: GroupNumber) {
        self.state.book.forget_rows(number);
    }

    /// Forgets some of the idempotency keys whose time is over. Whether more may
    /// be left.
    pub fn expire(&mut self, now: UnixTime) -> bool {
        self.state.memory.expire(now)
    }
}

impl Unsealed {
    fn issued(&mut self, slot: TokenSlot, atc: Atc) {
        self.open.issued.push(CounterMove { slot, atc });
        self.checkpoint.touch(PageKind::Counters, slot);
    }

    fn consumed(&mut self, slot: TokenSlot, atc: Atc) {
        self.open.consumed.push(CounterMove { slot, atc });
        self.checkpoint.touch(PageKind::Counters, slot);
    }
}
