//! The proof that a group is durable.

use super::GroupNumber;

/// Proof that every group up to [`newest`](Self::newest) is durable. Only a
/// store makes one, so a reply that needs one cannot leave before its commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitReceipt {
    newest: GroupNumber,
}

impl CommitReceipt {
    /// The receipt for all groups up to `newest`.
    pub(super) const fn new(newest: GroupNumber) -> Self {
        Self { newest }
    }

    /// The newest group that is durable.
    #[must_use]
    pub const fn newest(&self) -> GroupNumber {
        self.newest
    }

    /// Whether the receipt covers a group.
    #[must_use]
    pub fn covers(&self, group: GroupNumber) -> bool {
        group <= self.newest
    }
}
