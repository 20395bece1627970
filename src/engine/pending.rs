//! An answer that waits for its commit.

use super::Mint;
use crate::command::{Refusal, Reply};
use crate::store::{CommitReceipt, GroupNumber};
use crate::types::{CryptogramHeader, Expiry, TokenNumber, Transaction, Trid};

/// A value that only the receipt of its group opens. Nothing leaves before it
/// is durable: there is no other way to the value.
#[derive(Debug)]
#[must_use = "a pending answer is owed to its caller"]
pub struct Pending<T> {
    value: T,
    group: GroupNumber,
}

/// What was decided: an answer, or a counter whose cryptogram is still to be
/// computed, which needs no lock and can run beside the commit.
#[derive(Debug)]
pub enum Answer<'a> {
    /// The answer.
    Ready(Result<Reply, Refusal>),
    /// A counter that was taken for a cryptogram.
    Issue(IssueTask<'a>),
}

/// A cryptogram to be computed.
#[derive(Debug, Clone, Copy)]
pub struct IssueTask<'a> {
    pub(super) token: TokenNumber,
    pub(super) trid: Trid,
    pub(super) expiry: Expiry,
    pub(super) header: CryptogramHeader,
    pub(super) transaction: Transaction<'a>,
}

impl<T> Pending<T> {
    pub(super) const fn new(value: T, group: GroupNumber) -> Self {
        Self { value, group }
    }

    /// The group that must be durable first.
    #[must_use]
    pub const fn group(&self) -> GroupNumber {
        self.group
    }

    /// Opens the value with the receipt of its group or of a later one.
    ///
    /// # Errors
    /// Gives itself back if the receipt is of an earlier group.
    pub fn open(self, receipt: &CommitReceipt) -> Result<T, Self> {
        if receipt.covers(self.group) { Ok(self.value) } else { Err(self) }
    }
}

impl<'a> Pending<Answer<'a>> {
    /// Computes the cryptogram if one is owed; the answer stays pending.
    pub fn compute(self, mint: &Mint<'_>) -> Pending<Result<Reply, Refusal>> {
        let value = match self.value {
            Answer::Ready(answer) => answer,
            Answer::Issue(task) => mint.issue(&task).map(Reply::Issued),
        };
        Pending { value, group: self.group }
    }
}
