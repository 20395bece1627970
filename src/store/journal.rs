//! The body of a journal group: the counters it moves, and what the pages hold
//! beside it.
//!
//! Layout, big-endian: `issued` count (4), `consumed` count (4), the first group
//! that the pages may lack (8), the newest group that was anchored (8), a digest
//! of all pages (32), then `issued` and `consumed` moves of 8 bytes each: token
//! slot (4), counter (4).
//!
//! Beside the body stand the marks of the rows that the group writes, six bytes
//! each: token slot (4), revision (2).

use thiserror::Error;

use super::{CounterMove, GroupNumber, TokenRow, TokenSlot};
use crate::types::Atc;

/// Bytes before the moves.
const HEADER: usize = 56;
/// Bytes of a move.
const MOVE: usize = 8;
/// Bytes of a mark.
const MARK: usize = 6;

/// Why bytes are no journal body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum JournalError {
    /// The length is not what the counts say.
    #[error("a journal body has another length than its counts say")]
    Length,
    /// A counter is zero.
    #[error("a journal body holds a counter of zero")]
    Zero,
}

/// How pages and anchor stand when a group is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The first group whose effects a page may lack.
    pub first: GroupNumber,
    /// The newest group of which the anchor was told.
    pub anchored: GroupNumber,
    /// A digest of every page.
    pub pages: [u8; 32],
}

impl Default for Standing {
    /// As it is before the first group.
    fn default() -> Self {
        Self { first: GroupNumber(1), anchored: GroupNumber(0), pages: [0; 32] }
    }
}

/// A journal body, read from bytes that it borrows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalBody<'a> {
    standing: Standing,
    issued: &'a [[u8; MOVE]],
    consumed: &'a [[u8; MOVE]],
}

/// Writes a journal body.
#[must_use]
pub fn encode(issued: &[CounterMove], consumed: &[CounterMove], standing: Standing) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + (issued.len() + consumed.len()) * MOVE);
    for moves in [issued, consumed] {
        // A group is limited to far fewer moves than a u32 counts.
        bytes.extend_from_slice(&u32::try_from(moves.len()).unwrap_or(u32::MAX).to_be_bytes());
    }
    bytes.extend_from_slice(&standing.first.0.to_be_bytes());
    bytes.extend_from_slice(&standing.anchored.0.to_be_bytes());
    bytes.extend_from_slice(&standing.pages);
    for CounterMove { slot, atc } in issued.iter().chain(consumed) {
        bytes.extend_from_slice(&slot.0.to_be_bytes());
        bytes.extend_from_slice(&atc.get().to_be_bytes());
    }
    bytes
}

/// Bytes of a body with so many moves.
#[must_use]
pub fn body_len(moves: usize) -> u64 {
    u64::try_from(HEADER + moves * MOVE).unwrap_or(u64::MAX)
}

/// The marks of rows.
#[must_use]
pub fn marks(rows: &[TokenRow]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rows.len() * MARK);
    for row in rows {
        bytes.extend_from_slice(&row.slot.0.to_be_bytes());
        bytes.extend_from_slice(&row.revision.to_be_bytes());
    }
    bytes
}

/// Reads marks: slots and revisions.
///
/// # Errors
/// [`JournalError::Length`].
pub fn read_marks(bytes: &[u8]) -> Result<impl Iterator<Item = (TokenSlot, u16)> + '_, JournalError> {
    let (marks, rest) = bytes.as_chunks::<MARK>();
    if !rest.is_empty() {
        return Err(JournalError::Length);
    }
    Ok(marks.iter().map(|[a, b, c, d, e, f]| {
        (TokenSlot(u32::from_be_bytes([*a, *b, *c, *d])), u16::from_be_bytes([*e, *f]))
    }))
}

impl<'a> JournalBody<'a> {
    /// Reads a body and checks all of it.
    ///
    /// # Errors
    /// [`JournalError`] on a wrong length or a counter of zero.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, JournalError> {
        let (header, moves) = bytes.split_first_chunk::<HEADER>().ok_or(JournalError::Length)?;
        let [a, b, c, d, e, f, g, h, standing @ ..] = *header;
        let (moves, rest) = moves.as_chunks::<MOVE>();
        let issued = usize::try_from(u32::from_be_bytes([a, b, c, d])).map_err(|_| JournalError::Length)?;
        let consumed = usize::try_from(u32::from_be_bytes([e, f, g, h])).map_err(|_| JournalError::Length)?;
        if !rest.is_empty() || issued.checked_add(consumed) != Some(moves.len()) {
            return Err(JournalError::Length);
        }
        if moves.iter().any(|one| counter_move(*one).is_none()) {
            return Err(JournalError::Zero);
        }
        let (issued, consumed) = moves.split_at_checked(issued).ok_or(JournalError::Length)?;
        Ok(Self { standing: read_standing(standing), issued, consumed })
    }

    /// How pages and anchor stand when the group is durable.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// The counters issued.
    pub fn issued(&self) -> impl Iterator<Item = CounterMove> + use<'a> {
        self.issued.iter().filter_map(|one| counter_move(*one))
    }

    /// The counters consumed.
    pub fn consumed(&self) -> impl Iterator<Item = CounterMove> + use<'a> {
        self.consumed.iter().filter_map(|one| counter_move(*one))
    }
}

fn read_standing(bytes: [u8; 48]) -> Standing {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, pages @ ..] = bytes;
    Standing {
        first: GroupNumber(u64::from_be_bytes([a, b, c, d, e, f, g, h])),
        anchored: GroupNumber(u64::from_be_bytes([i, j, k, l, m, n, o, p])),
        pages,
    }
}

fn counter_move([a, b, c, d, e, f, g, h]: [u8; MOVE]) -> Option<CounterMove> {
    let slot = TokenSlot(u32::from_be_bytes([a, b, c, d]));
    Some(CounterMove { slot, atc: Atc::new(u32::from_be_bytes([e, f, g, h]))? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Trid;
    use proptest::prelude::*;

    fn moves() -> impl Strategy<Value = Vec<CounterMove>> {
        let one = (any::<u32>(), 1..=u32::MAX)
            .prop_map(|(slot, atc)| CounterMove { slot: TokenSlot(slot), atc: Atc::new(atc).unwrap() });
        prop::collection::vec(one, 0..20)
    }

    proptest! {
        #[test]
        fn comes_back(issued in moves(), consumed in moves(), numbers: [u64; 2], pages: [u8; 32]) {
            let [first, anchored] = numbers.map(GroupNumber);
            let standing = Standing { first, anchored, pages };
            let bytes = encode(&issued, &consumed, standing);
            let body = JournalBody::decode(&bytes).unwrap();
            prop_assert_eq!(body.issued().collect::<Vec<_>>(), issued);
            prop_assert_eq!(body.consumed().collect::<Vec<_>>(), consumed);
            prop_assert_eq!(body.standing(), standing);
            for cut in 0..bytes.len() {
                prop_assert_eq!(JournalBody::decode(&bytes[..cut]), Err(JournalError::Length));
            }
        }

        #[test]
        fn marks_come_back(rows in prop::collection::vec((any::<u32>(), any::<u16>()), 0..9)) {
            let trid = Trid::from_value(1).unwrap();
            let tokens: Vec<_> = rows
                .iter()
                .map(|(slot, revision)| TokenRow {
                    slot: TokenSlot(*slot), trid, revision: *revision, body: vec![],
                })
                .collect();
            let bytes = marks(&tokens);
            let back: Vec<_> = read_marks(&bytes).unwrap().map(|(slot, revision)| (slot.0, revision)).collect();
            prop_assert_eq!(back, rows);
            for cut in 1..6.min(bytes.len()) {
                prop_assert!(read_marks(&bytes[cut..]).is_err());
            }
        }
    }

    #[test]
    fn a_counter_of_zero_is_refused() {
        let mut bytes = vec![0; 64];
        bytes[3] = 1;
        assert_eq!(JournalBody::decode(&bytes), Err(JournalError::Zero));
    }
}
