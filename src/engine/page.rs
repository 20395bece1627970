//! Pages: the stored form of a run of neighbouring entries.
//!
//! Big-endian. A token page has 18 bytes a token: number (8), profile (4),
//! expiry (2), revision (2), count of digits (1), status (1). A counter page has
//! the 16 bytes of [`Counters`] a token.

use super::book::Entry;
use crate::store::{PageKind, StoreError};
use crate::types::{Counters, DeactivationReason, Expiry, TokenNumber, TokenStatus};

/// Tokens in a page: as many as fit one page of SQLite's, so that rewriting one
/// touches no other.
pub(super) const SLOTS: usize = 224;

const TOKEN: usize = 18;
const DAMAGED: StoreError = StoreError::Corrupt("a page cannot be read");

/// The page of a slot.
pub(super) fn of(slot: u32) -> u32 {
    slot / 224
}

/// How many pages so many tokens take.
pub(super) const fn count(tokens: usize) -> usize {
    tokens.div_ceil(SLOTS)
}

/// Writes a page.
pub(super) fn encode(kind: PageKind, entries: &[Entry]) -> Vec<u8> {
    match kind {
        PageKind::Tokens => entries.iter().flat_map(token_bytes).collect(),
        PageKind::Counters => entries.iter().flat_map(|entry| entry.counters.to_bytes()).collect(),
    }
}

/// Reads a token page.
pub(super) fn tokens(body: &[u8]) -> Result<impl Iterator<Item = Result<Entry, StoreError>>, StoreError> {
    let (tokens, rest) = body.as_chunks::<TOKEN>();
    if !rest.is_empty() || tokens.is_empty() || tokens.len() > SLOTS {
        return Err(DAMAGED);
    }
    Ok(tokens.iter().map(|bytes| read_token(*bytes).ok_or(DAMAGED)))
}

/// Reads a counter page.
pub(super) fn counters(body: &[u8]) -> Result<impl Iterator<Item = Counters>, StoreError> {
    let (packed, rest) = body.as_chunks::<{ Counters::PACKED }>();
    if !rest.is_empty() || packed.is_empty() || packed.len() > SLOTS {
        return Err(DAMAGED);
    }
    let counters = packed.iter().map(|bytes| Counters::from_bytes(*bytes));
    if counters.clone().any(|one| one.newest_consumed() > one.newest_issued()) {
        return Err(StoreError::Corrupt("a counter is consumed that was never issued"));
    }
    Ok(counters)
}

fn token_bytes(entry: &Entry) -> [u8; TOKEN] {
    let (value, digits) = entry.number();
    let [a, b, c, d, e, f, g, h] = value.to_be_bytes();
    let [i, j, k, l] = entry.profile.to_be_bytes();
    let ([m, n], [o, p]) = (entry.expiry.value().to_be_bytes(), entry.revision.to_be_bytes());
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, digits, status_number(entry.status)]
}

fn read_token(
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, digits, status]: [u8; TOKEN],
) -> Option<Entry> {
    let value = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let token = TokenNumber::from_parts(value, digits).ok()?;
    let expiry = Expiry::from_value(u16::from_be_bytes([m, n])).ok()?;
    let profile = u32::from_be_bytes([i, j, k, l]);
    Some(Entry::new(token, profile, expiry, u16::from_be_bytes([o, p]), status_from_number(status)?))
}

const fn status_number(status: TokenStatus) -> u8 {
    match status {
        TokenStatus::Initiated => 0,
        TokenStatus::Active => 1,
        TokenStatus::Suspended => 2,
        TokenStatus::Deactivated(DeactivationReason::Expired) => 3,
        TokenStatus::Deactivated(DeactivationReason::DeactivatedByBank) => 4,
        TokenStatus::Deactivated(DeactivationReason::Requested) => 5,
    }
}

const fn status_from_number(number: u8) -> Option<TokenStatus> {
    Some(match number {
        0 => TokenStatus::Initiated,
        1 => TokenStatus::Active,
        2 => TokenStatus::Suspended,
        3 => TokenStatus::Deactivated(DeactivationReason::Expired),
        4 => TokenStatus::Deactivated(DeactivationReason::DeactivatedByBank),
        5 => TokenStatus::Deactivated(DeactivationReason::Requested),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Atc;
    use proptest::prelude::*;

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let one = (0..10u64.pow(16), any::<u32>(), 0..6u8, any::<u16>(), any::<u32>());
        prop::collection::vec(one, 1..=SLOTS).prop_map(|list| {
            let entry = |(value, profile, status, revision, atc)| {
                let token = TokenNumber::from_parts(value, 16).unwrap();
                let (expiry, status) = (Expiry::parse(b"2912").unwrap(), status_from_number(status).unwrap());
                let mut entry = Entry::new(token, profile, expiry, revision, status);
                Atc::new(atc).into_iter().for_each(|atc| entry.counters.replay_consume(atc));
                entry
            };
            list.into_iter().map(entry).collect()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn pages_come_back(entries in entries()) {
            let body = encode(PageKind::Tokens, &entries);
            prop_assert!(body.len() < 4061, "fits one page of SQLite's");
            let mut back: Vec<_> = tokens(&body).unwrap().map(Result::unwrap).collect();
            let packed = encode(PageKind::Counters, &entries);
            for (entry, counters) in back.iter_mut().zip(counters(&packed).unwrap()) {
                entry.counters = counters;
            }
            prop_assert_eq!(format!("{back:?}"), format!("{entries:?}"));
        }
    }

    #[test]
    fn other_sizes_and_values_are_refused() {
        for body in [vec![], vec![0; 17], vec![0; 18 * (SLOTS + 1)]] {
            assert!(tokens(&body).is_err());
        }
        for body in [vec![], vec![0; 15], vec![0; 16 * (SLOTS + 1)]] {
            assert!(counters(&body).is_err());
        }
        let mut never_issued = vec![0; 16];
        never_issued[7] = 1;
        assert!(counters(&never_issued).is_err());
        // Eighteen zeros are a token of no digits.
        assert!(tokens(&[0; 18]).unwrap().all(|token| token.is_err()));
    }
}
