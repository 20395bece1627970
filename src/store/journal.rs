//! The body of a journal group: the counters it moves and a digest of its rows.
//!
//! Layout, big-endian: `issued` count (4), `consumed` count (4), digest of the
//! group's rows and records (32), then `issued` and `consumed` moves of 8 bytes
//! each: token slot (4), counter (4).

use thiserror::Error;

use super::{CounterMove, TokenSlot};
use crate::types::Atc;

/// Bytes before the moves.
const HEADER: usize = 40;
/// Bytes of a move.
const MOVE: usize = 8;

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

/// A journal body, read from bytes that it borrows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JournalBody<'a> {
    issued: &'a [[u8; MOVE]],
    consumed: &'a [[u8; MOVE]],
    rows_digest: [u8; 32],
}

/// Writes a journal body.
#[must_use]
pub fn encode(issued: &[CounterMove], consumed: &[CounterMove], rows_digest: [u8; 32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + (issued.len() + consumed.len()) * MOVE);
    for moves in [issued, consumed] {
        // A group is limited to far fewer moves than a u32 counts.
        bytes.extend_from_slice(&u32::try_from(moves.len()).unwrap_or(u32::MAX).to_be_bytes());
    }
    bytes.extend_from_slice(&rows_digest);
    for CounterMove { slot, atc } in issued.iter().chain(consumed) {
        bytes.extend_from_slice(&slot.0.to_be_bytes());
        bytes.extend_from_slice(&atc.get().to_be_bytes());
    }
    bytes
}

impl<'a> JournalBody<'a> {
    /// Reads a body and checks all of it.
    ///
    /// # Errors
    /// [`JournalError`] on a wrong length or a counter of zero.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, JournalError> {
        let (header, moves) = bytes.split_first_chunk::<HEADER>().ok_or(JournalError::Length)?;
        let [a, b, c, d, e, f, g, h, rows_digest @ ..] = *header;
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
        Ok(Self { issued, consumed, rows_digest })
    }

    /// The counters issued.
    pub fn issued(&self) -> impl Iterator<Item = CounterMove> + use<'a> {
        self.issued.iter().filter_map(|one| counter_move(*one))
    }

    /// The counters consumed.
    pub fn consumed(&self) -> impl Iterator<Item = CounterMove> + use<'a> {
        self.consumed.iter().filter_map(|one| counter_move(*one))
    }

    /// The digest of the group's rows and records.
    #[must_use]
    pub const fn rows_digest(&self) -> [u8; 32] {
        self.rows_digest
    }
}

fn counter_move([a, b, c, d, e, f, g, h]: [u8; MOVE]) -> Option<CounterMove> {
    let slot = TokenSlot(u32::from_be_bytes([a, b, c, d]));
    Some(CounterMove { slot, atc: Atc::new(u32::from_be_bytes([e, f, g, h]))? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn moves() -> impl Strategy<Value = Vec<CounterMove>> {
        let one = (any::<u32>(), 1..=u32::MAX)
            .prop_map(|(slot, atc)| CounterMove { slot: TokenSlot(slot), atc: Atc::new(atc).unwrap() });
        prop::collection::vec(one, 0..20)
    }

    proptest! {
        #[test]
        fn comes_back(issued in moves(), consumed in moves(), digest: [u8; 32]) {
            let bytes = encode(&issued, &consumed, digest);
            let body = JournalBody::decode(&bytes).unwrap();
            prop_assert_eq!(body.issued().collect::<Vec<_>>(), issued);
            prop_assert_eq!(body.consumed().collect::<Vec<_>>(), consumed);
            prop_assert_eq!(body.rows_digest(), digest);
            for cut in 0..bytes.len() {
                prop_assert_eq!(JournalBody::decode(&bytes[..cut]), Err(JournalError::Length));
            }
        }
    }

    #[test]
    fn a_counter_of_zero_is_refused() {
        let mut bytes = vec![0; 48];
        bytes[3] = 1;
        assert_eq!(JournalBody::decode(&bytes), Err(JournalError::Zero));
    }
}
