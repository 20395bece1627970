//! What is to be recorded of a batch of requests, kept small: a batch may hold a
//! million refusals.

use super::Kept;
use crate::account::mask_last_four;
use crate::types::TokenNumber;
use crate::wire::Status;

/// Most refusals of a batch that are told one by one; the others are counted.
const MOST: usize = 16;

/// What is to be recorded of a batch.
#[derive(Debug, Default)]
pub struct Notes {
    pub(super) listed: Vec<Note>,
    pub(super) refused: Vec<Note>,
    pub(super) counted: Vec<(&'static str, Status, u64)>,
}

/// What an operation is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A token. It is masked when it is written.
    Token(TokenNumber),
    /// Something else, in words.
    Text(String),
}

/// An operation by itself.
#[derive(Debug, Clone)]
pub(super) struct Note {
    pub(super) operation: &'static str,
    pub(super) status: Status,
    subject: Option<Subject>,
}

impl Notes {
    /// Notes how an operation ended.
    pub fn add(&mut self, operation: &'static str, kept: Kept, status: Status, subject: Option<Subject>) {
        let note = Note { operation, status, subject };
        match (status, kept) {
            (Status::Ok, Kept::Group) => {}
            (Status::Ok, Kept::Record) => self.listed.push(note),
            (Status::Ok, Kept::Count) => self.count(operation, status),
            _ if self.refused.len() < MOST => self.refused.push(note),
            _ => self.count(operation, status),
        }
    }

    /// Whether there is nothing to record.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.listed.is_empty() && self.refused.is_empty() && self.counted.is_empty()
    }

    fn count(&mut self, operation: &'static str, status: Status) {
        let same = |known: &&mut (&'static str, Status, u64)| known.0 == operation && known.1 == status;
        match self.counted.iter_mut().find(same) {
            Some((_, _, count)) => *count += 1,
            None => self.counted.push((operation, status, 1)),
        }
    }
}

impl Note {
    /// What it is about, a token masked as everywhere.
    pub(super) fn masked(&self) -> Option<String> {
        self.subject.as_ref().map(|subject| match subject {
            Subject::Token(token) => mask_last_four(token.last_four(), token.digit_count()),
            Subject::Text(text) => text.clone(),
        })
    }
}
