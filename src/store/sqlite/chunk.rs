//! A chunk of packed counters: what one row of `counters` holds.

use super::super::{CounterMove, StoreError, TokenSlot};
use crate::types::Counters;

/// Slots in a chunk. A fold rewrites whole chunks: 16 KiB, four pages.
const SLOTS: u32 = 1024;

/// The counters of 1,024 neighbouring slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chunk {
    number: u32,
    slots: Vec<Counters>,
}

impl Chunk {
    /// The number of the chunk that holds a slot.
    pub(super) const fn of(slot: TokenSlot) -> u32 {
        slot.0 / SLOTS
    }

    /// A chunk whose counters never moved.
    pub(super) fn fresh(number: u32) -> Self {
        Self { number, slots: (0..SLOTS).map(|_| Counters::default()).collect() }
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub(super) fn from_bytes(number: u32, bytes: &[u8]) -> Result<Self, StoreError> {
        let (packed, rest) = bytes.as_chunks::<{ Counters::PACKED }>();
        if !rest.is_empty() || u32::try_from(packed.len()) != Ok(SLOTS) || number > u32::MAX / SLOTS {
            return Err(StoreError::Corrupt("a chunk of counters has another size or place"));
        }
        let slots: Vec<_> = packed.iter().map(|one| Counters::from_bytes(*one)).collect();
        if slots.iter().any(|one| one.newest_consumed() > one.newest_issued()) {
            return Err(StoreError::Corrupt("a counter is consumed that was never issued"));
        }
        Ok(Self { number, slots })
    }

    /// 16 bytes a slot.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.slots.iter().flat_map(|one| one.to_bytes()).collect()
    }

    /// The counters that a move is about, if its slot lies in this chunk.
    pub(super) fn counters_of(&mut self, moved: CounterMove) -> Option<&mut Counters> {
        let offset = moved.slot.0.checked_sub(self.number.checked_mul(SLOTS)?)?;
        self.slots.get_mut(usize::try_from(offset).ok()?)
    }

    /// The slots whose counters ever moved, ascending.
    pub(super) fn moved(&self) -> impl Iterator<Item = (TokenSlot, Counters)> + '_ {
        let first = self.number.saturating_mul(SLOTS);
        (first..=u32::MAX)
            .zip(&self.slots)
            .filter(|(_, counters)| **counters != Counters::default())
            .map(|(slot, counters)| (TokenSlot(slot), *counters))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Atc;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn comes_back(slot: u32, value in 1..=u32::MAX) {
            let moved = CounterMove { slot: TokenSlot(slot), atc: Atc::new(value).unwrap() };
            let mut chunk = Chunk::fresh(Chunk::of(moved.slot));
            chunk.counters_of(moved).unwrap().replay_consume(moved.atc);
            let read = Chunk::from_bytes(Chunk::of(moved.slot), &chunk.to_bytes()).unwrap();
            prop_assert_eq!(&read, &chunk);
            let all: Vec<_> = read.moved().collect();
            prop_assert_eq!(all.len(), 1);
            prop_assert_eq!(all[0].0, moved.slot);
            prop_assert_eq!(all[0].1.newest_consumed(), value);
        }
    }

    #[test]
    fn another_slot_is_not_in_it() {
        let moved = CounterMove { slot: TokenSlot(1024), atc: Atc::new(1).unwrap() };
        assert!(Chunk::fresh(0).counters_of(moved).is_none());
        assert!(Chunk::fresh(1).counters_of(moved).is_some());
        assert!(Chunk::fresh(2).counters_of(moved).is_none());
    }

    #[test]
    fn refuses_what_no_fold_writes() {
        let bytes = Chunk::fresh(0).to_bytes();
        assert!(Chunk::from_bytes(0, &bytes).is_ok());
        assert!(Chunk::from_bytes(0, &bytes[1..]).is_err());
        assert!(Chunk::from_bytes(0, &bytes[16..]).is_err());
        assert!(Chunk::from_bytes(u32::MAX / 1024 + 1, &bytes).is_err());
        let mut never_issued = bytes;
        never_issued[7] = 1;
        assert!(Chunk::from_bytes(0, &never_issued).is_err());
    }
}
