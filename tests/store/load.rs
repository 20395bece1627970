//! A sink that takes a load down into a model and checks its order.

use tallystick::store::{
    ChainHead, Epoch, GroupNumber, Load, Record, Store, StoreError, TokenRow, TokenSlot,
};
use tallystick::types::Counters;

use super::model::Model;

/// The parts of a load, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Tokens,
    Counters,
    Folded,
    Journal,
    Records,
}

/// What was loaded.
#[derive(Debug)]
pub struct Seen {
    pub model: Model,
    /// The folded head.
    pub folded: Option<ChainHead>,
    /// The groups after it and the epochs that wrote them.
    pub journal: Vec<(GroupNumber, Epoch)>,
    /// Bytes of their bodies.
    pub bytes: u64,
    part: Part,
}

/// Loads everything, in the right order or not at all.
pub fn seen(store: &mut impl Store) -> Result<Seen, StoreError> {
    let mut seen =
        Seen { model: Model::default(), folded: None, journal: vec![], bytes: 0, part: Part::Tokens };
    store.load(&mut seen)?;
    assert!(seen.folded.is_some(), "no folded head was loaded");
    Ok(seen)
}

/// What a load amounts to.
pub fn loaded(store: &mut impl Store) -> Model {
    seen(store).unwrap().model
}

impl Seen {
    fn enter(&mut self, part: Part) {
        assert!(self.part <= part, "{part:?} after {:?}", self.part);
        self.part = part;
    }
}

impl Load for Seen {
    fn token(&mut self, row: TokenRow) -> Result<(), StoreError> {
        self.enter(Part::Tokens);
        assert!(self.model.tokens.keys().all(|slot| *slot < row.slot.0), "tokens by ascending slot");
        self.model.tokens.insert(row.slot.0, row);
        Ok(())
    }

    fn counters(&mut self, slot: TokenSlot, counters: Counters) -> Result<(), StoreError> {
        self.enter(Part::Counters);
        assert_ne!(counters, Counters::default(), "counters that never moved");
        assert!(self.model.counters.insert(slot.0, counters).is_none(), "counters twice");
        Ok(())
    }

    fn folded(&mut self, head: ChainHead) -> Result<(), StoreError> {
        self.enter(Part::Folded);
        assert!(self.folded.replace(head).is_none(), "two folded heads");
        self.model.head = head;
        Ok(())
    }

    fn journal(
        &mut self,
        number: GroupNumber,
        epoch: Epoch,
        body: &[u8],
        mac: [u8; 32],
    ) -> Result<(), StoreError> {
        self.enter(Part::Journal);
        assert_eq!(number.0, self.model.next_number(), "groups in order");
        self.model.replay(body);
        self.model.head = ChainHead { number, mac };
        self.journal.push((number, epoch));
        self.bytes += body.len() as u64;
        Ok(())
    }

    fn record(&mut self, record: Record) -> Result<(), StoreError> {
        self.enter(Part::Records);
        assert!(record.body.is_some(), "a record without a body");
        let key = (record.space, record.key.clone());
        assert!(self.model.records.insert(key, record).is_none(), "a record twice");
        Ok(())
    }
}
