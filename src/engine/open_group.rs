//! What will be committed next.

use crate::store::{CounterMove, Record, TokenRow};

/// The effects of operations since the last group was taken.
#[derive(Debug, Default)]
pub struct OpenGroup {
    pub(super) issued: Vec<CounterMove>,
    pub(super) consumed: Vec<CounterMove>,
    pub(super) tokens: Vec<TokenRow>,
    pub(super) records: Vec<Record>,
}

impl OpenGroup {
    /// Counter moves, rows and records together.
    #[must_use]
    pub fn len(&self) -> usize {
        self.issued.len() + self.consumed.len() + self.tokens.len() + self.records.len()
    }

    /// Whether there is nothing to commit.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it writes rows, which the engine keeps until they are durable.
    #[must_use]
    pub fn has_rows(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// An empty group with room for as many moves as `other` had: the load of a
    /// moment ago is the best guess.
    pub(super) fn with_room_of(other: &Self) -> Self {
        Self {
            issued: Vec::with_capacity(other.issued.len()),
            consumed: Vec::with_capacity(other.consumed.len()),
            tokens: Vec::new(),
            records: Vec::new(),
        }
    }
}
