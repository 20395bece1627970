//! What a group wrote beside its journal body, as its row carries it to other nodes.
//!
//! Three runs of entries, big-endian. Tokens: slot (4), TRID (8), revision (2), length (4),
//! body. Records: space (1), flags (1; 1 has an expiry, 2 has a body), the expiry (8) if any,
//! length (4), key, then length (4) and body if any. Pages: kind (1), number (4).

use super::super::{Group, PageKind, Record, Space, StoreError, TokenRow, TokenSlot};
use crate::types::{Trid, UnixTime};

const FORM: StoreError = StoreError::Corrupt("what a group wrote does not decode");
const EXPIRES: u8 = 1;
const BODY: u8 = 2;

/// The three runs of a group.
pub(super) struct Carried {
    pub(super) tokens: Vec<u8>,
    pub(super) records: Vec<u8>,
    pub(super) pages: Vec<u8>,
}

/// Writes what a group carries.
pub(super) fn encode(group: &Group) -> Result<Carried, StoreError> {
    let (mut tokens, mut records, mut pages) = (Vec::new(), Vec::new(), Vec::new());
    for row in &group.tokens {
        tokens.extend_from_slice(&row.slot.0.to_be_bytes());
        tokens.extend_from_slice(&row.trid.value().to_be_bytes());
        tokens.extend_from_slice(&row.revision.to_be_bytes());
        put(&mut tokens, &row.body)?;
    }
    for Record { space, key, expires, body } in &group.records {
        let flags = expires.map_or(0, |_| EXPIRES) | body.as_ref().map_or(0, |_| BODY);
        records.extend_from_slice(&[space.number(), flags]);
        if let Some(expires) = expires {
            records.extend_from_slice(&expires.seconds().to_be_bytes());
        }
        put(&mut records, key)?;
        if let Some(body) = body {
            put(&mut records, body)?;
        }
    }
    for page in &group.pages {
        pages.push(page.kind.number());
        pages.extend_from_slice(&page.number.to_be_bytes());
    }
    Ok(Carried { tokens, records, pages })
}

fn put(out: &mut Vec<u8>, bytes: &[u8]) -> Result<(), StoreError> {
    out.extend_from_slice(&u32::try_from(bytes.len()).map_err(|_| FORM)?.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}

/// Reads a run of tokens.
pub(super) fn tokens(bytes: &[u8]) -> Result<Vec<TokenRow>, StoreError> {
    entries(bytes, |rest| {
        Ok(TokenRow {
            slot: TokenSlot(u32::from_be_bytes(rest.array()?)),
            trid: Trid::from_value(u64::from_be_bytes(rest.array()?)).map_err(|_| FORM)?,
            revision: u16::from_be_bytes(rest.array()?),
            body: rest.sized()?.to_vec(),
        })
    })
}

/// Reads a run of records.
pub(super) fn records(bytes: &[u8]) -> Result<Vec<Record>, StoreError> {
    entries(bytes, |rest| {
        let [space, flags] = rest.array()?;
        if flags & !(EXPIRES | BODY) != 0 {
            return Err(FORM);
        }
        let expires = match flags & EXPIRES {
            0 => None,
            _ => Some(UnixTime::from_seconds(u64::from_be_bytes(rest.array()?))),
        };
        let key = rest.sized()?.to_vec();
        let body = if flags & BODY == 0 { None } else { Some(rest.sized()?.to_vec()) };
        Ok(Record { space: Space::from_number(space).ok_or(FORM)?, key, expires, body })
    })
}

/// Reads a run of pages.
pub(super) fn pages(bytes: &[u8]) -> Result<Vec<(PageKind, u32)>, StoreError> {
    entries(bytes, |rest| {
        let [kind] = rest.array()?;
        let kind = PageKind::ALL.into_iter().find(|known| known.number() == kind).ok_or(FORM)?;
        Ok((kind, u32::from_be_bytes(rest.array()?)))
    })
}

fn entries<T>(
    bytes: &[u8],
    read: impl Fn(&mut Rest<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let (mut rest, mut all) = (Rest(bytes), Vec::new());
    while !rest.0.is_empty() {
        all.push(read(&mut rest)?);
    }
    Ok(all)
}

/// Bytes that were not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(FORM)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn sized(&mut self) -> Result<&'a [u8], StoreError> {
        let length = usize::try_from(u32::from_be_bytes(self.array()?)).map_err(|_| FORM)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(FORM)?;
        self.0 = rest;
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Epoch, GroupNumber, Page};
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn group() -> impl Strategy<Value = Group> {
        let bytes = || vec(any::<u8>(), 0..20);
        let row = (any::<u32>(), 0..99_999_999_999_u64, any::<u16>(), bytes()).prop_map(
            |(slot, trid, revision, body)| TokenRow {
                slot: TokenSlot(slot),
                trid: Trid::from_value(trid).unwrap(),
                revision,
                body,
            },
        );
        let record = (
            prop::sample::select(Space::ALL.to_vec()),
            bytes(),
            any::<Option<u64>>(),
            prop::option::of(bytes()),
        )
            .prop_map(|(space, key, expires, body)| Record {
                space,
                key,
                expires: expires.map(UnixTime::from_seconds),
                body,
            });
        let page = (prop::sample::select(PageKind::ALL.to_vec()), any::<u32>())
            .prop_map(|(kind, number)| Page { kind, number, body: vec![1] });
        (vec(row, 0..5), vec(record, 0..5), vec(page, 0..5)).prop_map(|(tokens, records, pages)| Group {
            number: GroupNumber(1),
            epoch: Epoch(1),
            before: [0; 32],
            body: vec![],
            mac: [0; 32],
            tokens,
            records,
            pages,
            keep_from: GroupNumber(0),
        })
    }

    proptest! {
        #[test]
        fn comes_back_and_only_whole(group in group()) {
            let carried = encode(&group).unwrap();
            prop_assert_eq!(&tokens(&carried.tokens).unwrap(), &group.tokens);
            prop_assert_eq!(&records(&carried.records).unwrap(), &group.records);
            let of: Vec<_> = group.pages.iter().map(|page| (page.kind, page.number)).collect();
            prop_assert_eq!(pages(&carried.pages).unwrap(), of);
            // What is cut is refused, or is a shorter run; it never reads as the same.
            for cut in 0..carried.tokens.len() {
                prop_assert!(tokens(&carried.tokens[..cut]).is_ok_and(|read| read.len() < group.tokens.len())
                    || tokens(&carried.tokens[..cut]).is_err());
            }
            for cut in 0..carried.records.len() {
                prop_assert!(records(&carried.records[..cut]).map_or(true, |read| read.len() < group.records.len()));
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..200)) {
            let _ = (tokens(&bytes).is_ok(), records(&bytes).is_ok(), pages(&bytes).is_ok());
        }
    }

    #[test]
    fn unknown_kinds_and_flags_are_refused() {
        assert!(records(&[1, 4, 0, 0, 0, 0]).is_err());
        assert!(records(&[0, 0, 0, 0, 0, 0]).is_err());
        assert!(records(&[1, 0, 0, 0, 0, 0]).is_ok());
        assert!(pages(&[3, 0, 0, 0, 0]).is_err());
        assert!(pages(&[1, 0, 0, 0, 0]).is_ok());
    }
}
