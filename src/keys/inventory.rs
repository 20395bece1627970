//! Which keys a keyring has, and what each may still do: enough to tell the newer of two.
//!
//! Nodes that share a store must have one keyring. The store holds the inventory of the
//! newest that any has come with, and a node with an older one refuses to go on: it would
//! meet cryptograms and rows of keys that it has not.

use std::collections::BTreeMap;

use super::{KeyState, Keyring};

/// Bytes of a key: its id and its state.
const ENTRY: usize = 17;

/// The keys of a keyring by their ids, and what each may still do. No key can be made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory(BTreeMap<[u8; 16], u8>);

/// How one keyring stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// They have the same keys in the same states.
    Same,
    /// It came of the other: it has all its keys, and no state went back.
    Newer,
    /// The other came of it.
    Older,
    /// Both were changed, or they have nothing to do with each other.
    Apart,
}

impl Inventory {
    /// Of a keyring, its imported and destroyed keys too.
    #[must_use]
    pub fn of(keyring: &Keyring) -> Self {
        let native = keyring.infos().iter().map(|key| (key.id, order(key.state)));
        let imported = keyring.imported_infos().iter().map(|key| (key.id, order(key.state)));
        Self(native.chain(imported).collect())
    }

    /// The bytes that are stored: for each key, by ascending id, the id (16) and the state
    /// (1: 0 active, 1 retiring, 2 destroyed).
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(|(id, state)| id.iter().copied().chain([*state])).collect()
    }

    /// Reads [`to_bytes`](Self::to_bytes); none if it is something else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (entries, rest) = bytes.as_chunks::<ENTRY>();
        let read =
            |[id @ .., state]: [u8; ENTRY]| (state <= order(KeyState::Destroyed)).then_some((id, state));
        let keys: BTreeMap<_, _> = entries.iter().map(|entry| read(*entry)).collect::<Option<_>>()?;
        let inventory = Self(keys);
        (rest.is_empty() && inventory.to_bytes() == bytes).then_some(inventory)
    }

    /// How this keyring stands to `other`.
    #[must_use]
    pub fn age(&self, other: &Self) -> Age {
        match (self.holds(other), other.holds(self)) {
            (true, true) => Age::Same,
            (true, false) => Age::Newer,
            (false, true) => Age::Older,
            (false, false) => Age::Apart,
        }
    }

    /// Whether every key of `other` is here, in its state or a later one.
    fn holds(&self, other: &Self) -> bool {
        other.0.iter().all(|(id, state)| self.0.get(id).is_some_and(|ours| ours >= state))
    }
}

/// States as they follow each other.
const fn order(state: KeyState) -> u8 {
    match state {
        KeyState::Active => 0,
        KeyState::Retiring => 1,
        KeyState::Destroyed => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(keys: &[(u8, u8)]) -> Inventory {
        Inventory(keys.iter().map(|(id, state)| ([*id; 16], *state)).collect())
    }

    #[test]
    fn the_newer_is_the_one_that_came_of_the_other() {
        let first = of(&[(1, 0), (2, 0)]);
        let rotated = of(&[(1, 1), (2, 0), (3, 0)]);
        let destroyed = of(&[(1, 2), (2, 0), (3, 0)]);
        for (older, newer) in [(&first, &rotated), (&rotated, &destroyed), (&first, &destroyed)] {
            assert_eq!((newer.age(older), older.age(newer)), (Age::Newer, Age::Older));
        }
        // Two that were rotated each for itself are neither.
        let other = of(&[(1, 1), (2, 0), (4, 0)]);
        assert_eq!((rotated.age(&other), other.age(&rotated)), (Age::Apart, Age::Apart));
        assert_eq!(rotated.age(&rotated.clone()), Age::Same);
        assert_eq!(of(&[(9, 0)]).age(&first), Age::Apart);
    }

    #[test]
    fn it_is_read_as_it_was_written_and_nothing_else_is() {
        let inventory = of(&[(1, 1), (2, 0), (3, 2)]);
        let bytes = inventory.to_bytes();
        assert_eq!(Inventory::from_bytes(&bytes), Some(inventory));
        assert_eq!(Inventory::from_bytes(&bytes[..50]), None);
        let mut changed = bytes.clone();
        changed[16] = 3;
        assert_eq!(Inventory::from_bytes(&changed), None, "a state that there is not");
        let swapped = [&bytes[17..], &bytes[..17]].concat();
        assert_eq!(Inventory::from_bytes(&swapped), None, "not in order");
        let twice = [&bytes[..17], &bytes[..17]].concat();
        assert_eq!(Inventory::from_bytes(&twice), None);
    }
}
