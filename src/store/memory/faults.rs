//! Which operations on a memory disk fail, and how.

use std::collections::BTreeMap;

use super::super::StoreError;

/// An operation that writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// [`Store::append`](crate::store::Store::append).
    Append,
    /// [`Store::set_anchored`](crate::store::Store::set_anchored).
    Anchor,
    /// [`Store::expire`](crate::store::Store::expire).
    Expire,
}

/// How an operation fails. All three poison the store, never the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// An input or output error before anything is durable.
    Lost,
    /// An input or output error after everything is durable: the caller can't
    /// tell it from [`Lost`](Self::Lost).
    Unreported,
    /// No space is left; nothing is durable.
    Full,
}

impl Fault {
    /// Whether the change reaches the disk all the same.
    pub(super) const fn is_durable(self) -> bool {
        matches!(self, Self::Unreported)
    }

    /// What the caller sees.
    pub(super) fn error(self) -> StoreError {
        match self {
            Self::Lost | Self::Unreported => StoreError::Io("planned fault".to_owned()),
            Self::Full => StoreError::Full,
        }
    }
}

/// A plan of faults by operation and by count.
///
/// Calls are counted from 1 for each operation from when the plan is given to
/// the disk, across reopenings; calls refused before they reach the disk (fenced,
/// out of order, poisoned) don't count.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    planned: BTreeMap<(Operation, u64), Fault>,
    counted: BTreeMap<Operation, u64>,
}

impl Faults {
    /// A plan in which nothing fails.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// The same plan with one more fault: of the `nth` call of `operation`.
    #[must_use]
    pub fn at(mut self, operation: Operation, nth: u64, fault: Fault) -> Self {
        self.planned.insert((operation, nth), fault);
        self
    }

    /// Counts a call and says how it fails, if it does.
    pub(super) fn next(&mut self, operation: Operation) -> Option<Fault> {
        let count = self.counted.entry(operation).or_default();
        *count = count.saturating_add(1);
        self.planned.get(&(operation, *count)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strikes_the_call_planned_and_no_other() {
        let mut faults =
            Faults::none().at(Operation::Append, 2, Fault::Full).at(Operation::Anchor, 1, Fault::Unreported);
        let appends: Vec<_> = (0..3).map(|_| faults.next(Operation::Append)).collect();
        assert_eq!(appends, [None, Some(Fault::Full), None]);
        assert_eq!(faults.next(Operation::Anchor), Some(Fault::Unreported));
        assert_eq!(faults.next(Operation::Expire), None);
    }
}
