//! What must come out, written down a second time: after `docs/FORMATS.md` and
//! the README's promises, with plain lists and sets, without a line of the
//! engine's.
//!
//! The model is asked at each decision what the answer has to be. What was
//! decided and what is durable are two states; a crash puts the second in place
//! of the first, so whatever was acknowledged must still be there afterwards.

mod check;
mod decide;
mod field;
mod keyed;
mod pay;
mod state;
mod tokens;

pub use check::Facts;
pub use decide::is_past;
pub use pay::{LOCK_SECONDS, SHORT_SECONDS, short_digits, slot};
use state::Expected;
pub use state::{State, Token};

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use tallystick::command::{Refusal, Role};
use tallystick::types::Trid;

use crate::wish::Request;
use state::Effect;

/// Who asks, as the configuration would name them.
#[derive(Debug, Clone)]
pub struct Peer {
    pub name: String,
    pub roles: Vec<Role>,
    pub trids: Option<Vec<Trid>>,
}

impl Peer {
    fn may_act_for(&self, trid: Trid) -> bool {
        self.trids.as_ref().is_none_or(|trids| trids.contains(&trid))
    }
}

/// A request at its decision.
pub struct Asked<'a> {
    pub peer: &'a Peer,
    pub request: &'a Request,
    /// The wall clock.
    pub now: u64,
    /// Slots and revisions of the rows that were read for it.
    pub rows: &'a [(usize, u16)],
}

/// What must come of a request.
pub struct Decision {
    pub expected: Result<Expected, Refusal>,
    effects: Vec<Effect>,
}

/// What the engine was configured with.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub tokens: usize,
    pub links: usize,
    pub keys: usize,
    pub key_seconds: u64,
    pub age_slots: u64,
}

pub struct Model {
    pub limits: Limits,
    pub facts: Facts,
    /// What was decided, durable or not.
    pub decided: State,
    durable: State,
    /// Effects on the way from one to the other, by group.
    log: VecDeque<(u64, Effect)>,
    /// Tokens whose row is of a group that the engine was not told is durable.
    kept: BTreeMap<usize, u64>,
    pub closed: Option<Refusal>,
    /// Versions of the token derivation key: the active one, and all there are.
    pub token_key: u8,
    pub token_keys: BTreeSet<u8>,
    /// The active version of the PAN sealing key.
    pub sealing_key: u8,
    /// Counts the uses of idempotency keys.
    uses: u64,
}

impl Model {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            facts: Facts::default(),
            decided: State::default(),
            durable: State::default(),
            log: VecDeque::new(),
            kept: BTreeMap::new(),
            closed: None,
            token_key: 1,
            token_keys: BTreeSet::from([1]),
            sealing_key: 1,
            uses: 0,
        }
    }

    /// Takes a decision over, as part of a group. Says whether it changed anything.
    pub fn take(&mut self, decision: &mut Decision, group: u64) -> bool {
        let effects = std::mem::take(&mut decision.effects);
        let changed = !effects.is_empty();
        for effect in effects {
            if let Effect::Token(id, _) | Effect::Row(id, _) = &effect {
                self.kept.insert(*id, group);
            }
            self.decided.apply(&effect);
            self.log.push_back((group, effect));
        }
        changed
    }

    /// The group of the newest effect that may not be durable, if there is any.
    pub fn newest(&self) -> Option<u64> {
        self.log.back().map(|(group, _)| *group)
    }

    /// Groups up to this one are durable.
    pub fn commit(&mut self, group: u64) {
        while let Some((of, effect)) = self.log.pop_front_if(|(of, _)| *of <= group) {
            debug_assert!(of <= group);
            self.durable.apply(&effect);
        }
    }

    /// The engine was told that groups up to this one are durable.
    pub fn forget_rows(&mut self, group: u64) {
        self.kept.retain(|_, of| *of > group);
    }

    /// A start after a crash: what is not in the groups up to this one is gone.
    pub fn restart(&mut self, group: u64, now: u64) {
        self.commit(group);
        self.log.clear();
        self.kept.clear();
        self.closed = None;
        self.decided = self.durable.clone();
        self.expire(now);
    }

    /// The engine forgot the keys whose time is over.
    pub fn expire(&mut self, now: u64) {
        self.decided.keys.retain(|_, key| key.expires > now);
    }

    /// The store did.
    pub fn expire_stored(&mut self, now: u64) {
        self.durable.keys.retain(|_, key| key.expires > now);
    }
}
