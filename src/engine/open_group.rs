//! What will be committed next.

use crate::store::journal::body_len;
use crate::store::{CounterMove, GroupNumber, Page, Record, TokenRow};

/// A row is looked up, checked and read at a start, which takes as long as
/// replaying so many bytes of counter moves.
const ROW: u64 = 4096;

/// The effects of operations since the last group was taken.
#[derive(Debug)]
pub struct OpenGroup {
    pub(crate) issued: Vec<CounterMove>,
    pub(crate) consumed: Vec<CounterMove>,
    pub(crate) tokens: Vec<TokenRow>,
    pub(crate) records: Vec<Record>,
    /// Pages to be written beside, chosen when the group is taken.
    pub(crate) pages: Vec<Page>,
    /// The first group whose effects a page may lack once this one is durable.
    pub(crate) first: GroupNumber,
}

impl Default for OpenGroup {
    fn default() -> Self {
        Self {
            issued: Vec::new(),
            consumed: Vec::new(),
            tokens: Vec::new(),
            records: Vec::new(),
            pages: Vec::new(),
            first: GroupNumber(1),
        }
    }
}

impl OpenGroup {
    /// Adds a record, in the place of the last one if that has the same key: a run
    /// of misses of one token is one record, as a run of misses of none is.
    pub(super) fn note(&mut self, record: Record) {
        match self.records.last_mut() {
            Some(last) if (last.space, &last.key) == (record.space, &record.key) => *last = record,
            _ => self.records.push(record),
        }
    }

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

    /// What it adds to a start that has to replay it, in bytes of journal.
    pub(super) fn weight(&self) -> u64 {
        let rows = u64::try_from(self.tokens.len()).unwrap_or(u64::MAX);
        body_len(self.issued.len() + self.consumed.len()).saturating_add(rows.saturating_mul(ROW))
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
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Space, TokenSlot};
    use crate::types::{Atc, Trid};

    #[test]
    fn a_run_of_one_record_is_one() {
        let mut group = OpenGroup::default();
        let record = |space, key: u8, body: u8| Record {
            space,
            key: vec![key],
            expires: None,
            body: Some(vec![body]),
        };
        let (misses, values) = (Space::BadMacs, Space::ShortValues);
        for (space, key, body) in
            [(misses, 1, 1), (misses, 1, 2), (values, 1, 3), (values, 2, 4), (misses, 1, 5)]
        {
            group.note(record(space, key, body));
        }
        let kept: Vec<_> = group.records.iter().filter_map(|record| record.body.clone()).flatten().collect();
        assert_eq!(kept, [2, 3, 4, 5]);
    }

    #[test]
    fn it_weighs_what_a_start_has_to_do() {
        let one = CounterMove { slot: TokenSlot(0), atc: Atc::new(1).unwrap() };
        let trid = Trid::from_value(7).unwrap();
        let row = TokenRow { slot: TokenSlot(0), trid, revision: 1, body: Vec::new() };
        let moves = OpenGroup { issued: vec![one; 3], consumed: vec![one; 2], ..OpenGroup::default() };
        assert_eq!((moves.weight(), moves.len(), moves.has_rows()), (body_len(5), 5, false));
        let rows = OpenGroup { tokens: vec![row; 2], ..OpenGroup::default() };
        assert_eq!((rows.weight(), rows.len(), rows.has_rows()), (body_len(0) + 2 * ROW, 2, true));
        assert!(OpenGroup::default().is_empty() && !rows.is_empty());
    }
}
