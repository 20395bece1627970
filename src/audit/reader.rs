//! Reads the records of a file one after the other, and checks their chain.

use super::{Keys, Record, Tip};

/// Where reading stands in a file.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    /// The record before the next.
    pub(super) tip: Tip,
}

/// What comes next.
pub(super) enum Step<'a> {
    /// The next record of the chain; its MAC was not checked if its key is not at
    /// hand.
    Record { record: Record<'a>, is_checked: bool },
    /// Nothing but zeros.
    End,
    /// Something else.
    Broken(Break),
}

/// Why what comes next is not the next record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Break {
    /// It is no record.
    Form,
    /// It is the record of another number.
    Number(u64),
    /// Its link does not fit it.
    Link,
    /// Its MAC is wrong.
    Mac,
}

impl<'a> Reader<'a> {
    /// Behind a header, in a file whose records come behind `tip`.
    pub(super) const fn new(tip: Tip, records: &'a [u8]) -> Self {
        Self { rest: records, tip }
    }

    /// The next record, if it is one of the chain. A broken place is not passed.
    pub(super) fn step(&mut self, keys: Option<&dyn Keys>) -> Step<'a> {
        let Some(record) = Record::parse(self.rest) else {
            let is_blank = self.rest.iter().all(|byte| *byte == 0);
            return if is_blank { Step::End } else { Step::Broken(Break::Form) };
        };
        if self.tip.number.checked_add(1) != Some(record.number) {
            return Step::Broken(Break::Number(record.number));
        }
        if !record.follows(&self.tip.link) {
            return Step::Broken(Break::Link);
        }
        let is_authentic = keys.and_then(|keys| record.is_authentic(keys));
        if is_authentic == Some(false) {
            return Step::Broken(Break::Mac);
        }
        self.tip = record.tip();
        self.rest = self.rest.get(record.size()..).unwrap_or_default();
        Step::Record { record, is_checked: is_authentic.is_some() }
    }

    /// The bytes behind the last record that was read.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether a record of this number stands further on.
    pub(super) fn has_ahead(&self, number: u64) -> bool {
        let mut rest = self.rest;
        while let Some(record) = Record::parse(rest) {
            if record.number == number {
                return true;
            }
            rest = rest.get(record.size()..).unwrap_or_default();
        }
        false
    }
}
