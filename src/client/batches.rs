//! Many issues or verifications in one frame. Requests under way of their own
//! group as well at the daemon; a batch saves headers and keeps its items
//! together.

use std::io::{Read, Write};

use super::{Answer, Client, ClientError};
use crate::command::{Issue, Issued, Reply, Verified, Verify};
use crate::types::IdempotencyKey;
use crate::wire::{Opcode, Status, encode_issue_batch, encode_verify_batch};

const OTHER: ClientError = ClientError::Protocol("another reply than asked for");

impl<S: Read + Write> Client<S> {
    /// Puts a batch of 1 to 1,024 issues on its way; see
    /// [`submit`](Self::submit). The answer is an [`Answer::Batch`].
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub fn submit_issues(
        &mut self,
        items: &[(Issue<'_>, Option<IdempotencyKey<'_>>)],
    ) -> Result<u64, ClientError> {
        self.submit_body(Opcode::IssueBatch, |out| encode_issue_batch(out, items))
    }

    /// Puts a batch of 1 to 1,024 verifications on its way; see
    /// [`submit`](Self::submit). The answer is an [`Answer::Batch`].
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub fn submit_verifications(
        &mut self,
        items: &[(Verify<'_>, Option<IdempotencyKey<'_>>)],
    ) -> Result<u64, ClientError> {
        self.submit_body(Opcode::VerifyBatch, |out| encode_verify_batch(out, items))
    }

    /// Issues a batch and waits; each item has its own answer, in order.
    ///
    /// # Errors
    /// As [`call`](Self::call), if the batch as a whole is refused.
    pub fn issue_batch(
        &mut self,
        items: &[(Issue<'_>, Option<IdempotencyKey<'_>>)],
    ) -> Result<Vec<Result<Issued, Status>>, ClientError> {
        self.alone()?;
        self.submit_issues(items)?;
        self.batch_of(
            items.len(),
            |reply| if let Reply::Issued(issued) = reply { Some(issued) } else { None },
        )
    }

    /// Verifies a batch and waits; each item has its own answer, in order.
    ///
    /// # Errors
    /// As [`call`](Self::call), if the batch as a whole is refused.
    pub fn verify_batch(
        &mut self,
        items: &[(Verify<'_>, Option<IdempotencyKey<'_>>)],
    ) -> Result<Vec<Result<Verified, Status>>, ClientError> {
        self.alone()?;
        self.submit_verifications(items)?;
        self.batch_of(items.len(), |reply| if let Reply::Verified(done) = reply { Some(done) } else { None })
    }

    fn batch_of<T>(
        &mut self,
        count: usize,
        of: impl Fn(Reply) -> Option<T>,
    ) -> Result<Vec<Result<T, Status>>, ClientError> {
        let Answer::Batch(answers) = self.only_answer()? else { return Err(OTHER) };
        if answers.len() != count {
            return Err(ClientError::Protocol("a batch of another size than asked for"));
        }
        answers
            .into_iter()
            .map(|answer| {
                answer.map_or_else(|status| Ok(Err(status)), |reply| of(reply).map(Ok).ok_or(OTHER))
            })
            .collect()
    }
}
