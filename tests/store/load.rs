//! A sink that takes a load down into a model and checks its order.

use tallystick::store::{Load, PageKind, Record, Store, StoreError, StoredGroup, TokenRow, TokenSlot};

use super::model::{Model, Stored};

/// The parts of a load, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Records,
    TokenPages,
    Rows,
    CounterPages,
    Journal,
}

/// What was loaded.
#[derive(Debug)]
struct Seen {
    model: Model,
    part: Part,
}

/// Loads everything, in the right order or not at all: all that the store holds
/// but for rows that the journal does not mark.
pub fn seen(store: &mut impl Store) -> Result<Model, StoreError> {
    let mut seen = Seen { model: Model::default(), part: Part::Records };
    store.load(&mut seen)?;
    Ok(seen.model)
}

/// What a load amounts to.
pub fn loaded(store: &mut impl Store) -> Model {
    seen(store).unwrap()
}

/// Checks that a store holds what the model says, and nothing else that can be read.
pub fn holds(store: &mut impl Store, model: &Model) {
    assert_eq!(loaded(store), model.visible());
    assert_eq!(store.journal_bytes(), model.journal_bytes());
    assert_eq!(store.receipt().newest().0, model.head());
    for slot in model.tokens.keys() {
        assert_eq!(store.token(TokenSlot(*slot)).unwrap().as_ref(), model.tokens.get(slot));
    }
}

impl Seen {
    fn enter(&mut self, part: Part) {
        assert!(self.part <= part, "{part:?} after {:?}", self.part);
        self.part = part;
    }
}

impl Load for Seen {
    fn record(&mut self, record: Record) -> Result<(), StoreError> {
        self.enter(Part::Records);
        assert!(record.body.is_some(), "a record without a body");
        let key = (record.space, record.key.clone());
        assert!(self.model.records.keys().all(|before| *before < key), "records by space and key");
        self.model.records.insert(key, record);
        Ok(())
    }

    fn page(&mut self, kind: PageKind, number: u32, body: &[u8]) -> Result<(), StoreError> {
        self.enter(match kind {
            PageKind::Tokens => Part::TokenPages,
            PageKind::Counters => Part::CounterPages,
        });
        let key = (kind, number);
        assert!(self.model.pages.keys().all(|before| *before < key), "pages by number");
        self.model.pages.insert(key, body.to_vec());
        Ok(())
    }

    fn token(&mut self, row: TokenRow) -> Result<(), StoreError> {
        self.enter(Part::Rows);
        assert!(self.model.tokens.keys().all(|slot| *slot < row.slot.0), "rows by slot");
        self.model.tokens.insert(row.slot.0, row);
        Ok(())
    }

    fn journal(&mut self, group: StoredGroup<'_>) -> Result<(), StoreError> {
        self.enter(Part::Journal);
        let StoredGroup { number, epoch, before, marks, body, mac } = group;
        let stored = Stored { epoch, before, marks: marks.to_vec(), body: body.to_vec(), mac };
        assert!(self.model.journal.is_empty() || number.0 == self.model.next_number(), "groups in order");
        self.model.journal.insert(number.0, stored);
        Ok(())
    }
}
