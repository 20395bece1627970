//! One digest over all pages and the records of cards, kept up to date one by one.
//!
//! Each page has a tag, `HMAC-SHA-256(AK, "tallystick/v1/page" || kind (1) ||
//! number (4) || body)`, and each record of a card one, `HMAC-SHA-256(AK,
//! "tallystick/v1/card-record" || id (17) || body)`. The tags are combined by exclusive or into a sum, and
//! the digest is `HMAC-SHA-256(AK, "tallystick/v1/pages" || sum)`. Neither tags
//! nor the sum are ever stored, so nobody without the key can find pages whose
//! tags combine to the same sum (Bellare, Guérin, Rogaway: XOR MACs, 1995).

use std::collections::HashMap;

use crate::crypto::MacState;
use crate::store::{Page, PageKind, Record, Space};

const PAGE_LABEL: &[u8] = b"tallystick/v1/page";
const CARD_LABEL: &[u8] = b"tallystick/v1/card-record";
const PAGES_LABEL: &[u8] = b"tallystick/v1/pages";

/// The tags of all pages and cards, and their sum.
#[derive(Debug, Default)]
pub(super) struct Tags {
    of: [Vec<[u8; 32]>; 2],
    cards: HashMap<[u8; 17], [u8; 32]>,
    sum: [u8; 32],
}

impl Tags {
    /// Takes in what a group writes, and gives the digest after it.
    pub fn take(&mut self, audit: &MacState, pages: &[Page], records: &[Record]) -> [u8; 32] {
        pages.iter().for_each(|page| self.put(audit, page.kind, page.number, &page.body));
        records.iter().for_each(|record| self.put_record(audit, record));
        self.digest(audit)
    }

    /// Takes a page in, in place of an older one of its number.
    pub fn put(&mut self, audit: &MacState, kind: PageKind, number: u32, body: &[u8]) {
        let mac = audit.mac(&[PAGE_LABEL, &[kind.number()], &number.to_be_bytes(), body]);
        let tags = match (kind, &mut self.of) {
            (PageKind::Tokens, [tags, _]) | (PageKind::Counters, [_, tags]) => tags,
        };
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        if at >= tags.len() {
            tags.resize(at.saturating_add(1), [0; 32]);
        }
        let Some(tag) = tags.get_mut(at) else { return };
        exchange(&mut self.sum, tag, mac.as_bytes());
    }

    /// Takes the record of a card in, in place of an older one, or its removal. Other
    /// records are not counted.
    pub fn put_record(&mut self, audit: &MacState, record: &Record) {
        let Ok(id) = <[u8; 17]>::try_from(record.key.as_slice()) else { return };
        if record.space != Space::Card {
            return;
        }
        let Some(body) = &record.body else {
            let mut tag = self.cards.remove(&id).unwrap_or([0; 32]);
            exchange(&mut self.sum, &mut tag, &[0; 32]);
            return;
        };
        let mac = audit.mac(&[CARD_LABEL, &id, body]);
        exchange(&mut self.sum, self.cards.entry(id).or_insert([0; 32]), mac.as_bytes());
    }

    /// The digest over all of them; zeros if there are none.
    pub fn digest(&self, audit: &MacState) -> [u8; 32] {
        if self.of.iter().all(Vec::is_empty) && self.cards.is_empty() {
            return [0; 32];
        }
        *audit.mac(&[PAGES_LABEL, &self.sum]).as_bytes()
    }
}

/// Puts a tag into the place of an older one, in the sum too.
fn exchange(sum: &mut [u8; 32], old: &mut [u8; 32], new: &[u8; 32]) {
    for ((sum, old), new) in sum.iter_mut().zip(old).zip(new) {
        *sum ^= *old ^ new;
        *old = *new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secmem::Region;

    fn digest_of(pages: &[(PageKind, u32, &[u8])]) -> [u8; 32] {
        let audit = MacState::new(&Region::new(2).unwrap(), &[7; 32]).unwrap();
        let mut tags = Tags::default();
        for (kind, number, body) in pages {
            tags.put(&audit, *kind, *number, body);
        }
        tags.digest(&audit)
    }

    #[test]
    fn tells_any_other_set_of_pages() {
        use PageKind::{Counters, Tokens};
        let same = digest_of(&[(Tokens, 0, b"a"), (Counters, 0, b"b"), (Counters, 1, b"c")]);
        // In whatever order and over whatever was there before.
        let written = [(Counters, 1, &b"x"[..]), (Counters, 0, b"b"), (Tokens, 0, b"a"), (Counters, 1, b"c")];
        assert_eq!(digest_of(&written), same);
        let others: [&[(PageKind, u32, &[u8])]; 6] = [
            &[],
            &[(Tokens, 0, b"a"), (Counters, 0, b"b")],
            &[(Tokens, 0, b"a"), (Counters, 0, b"c"), (Counters, 1, b"b")],
            &[(Counters, 0, b"a"), (Tokens, 0, b"b"), (Counters, 1, b"c")],
            &[(Tokens, 0, b"a"), (Counters, 0, b"b"), (Counters, 1, b"x")],
            &[(Tokens, 0, b"a"), (Counters, 0, b"b"), (Counters, 2, b"c")],
        ];
        for other in others {
            assert_ne!(digest_of(other), same);
        }
    }
    /// A card, and its record or none.
    type Card<'a> = (u8, Option<&'a [u8]>);

    #[test]
    fn tells_any_other_set_of_cards() {
        let audit = MacState::new(&Region::new(2).unwrap(), &[7; 32]).unwrap();
        let digest_of = |cards: &[Card<'_>]| {
            let mut tags = Tags::default();
            for (id, body) in cards {
                let body = body.map(<[u8]>::to_vec);
                let record = Record { space: Space::Card, key: vec![*id; 17], expires: None, body };
                tags.put_record(&audit, &record);
            }
            tags.digest(&audit)
        };
        let same = digest_of(&[(1, Some(b"a")), (2, Some(b"b"))]);
        assert_eq!(
            digest_of(&[(3, Some(b"c")), (2, Some(b"b")), (1, Some(b"x")), (3, None), (1, Some(b"a"))]),
            same
        );
        let others: [&[Card<'_>]; 4] = [
            &[],
            &[(1, Some(b"a"))],
            &[(1, Some(b"b")), (2, Some(b"a"))],
            &[(1, Some(b"a")), (2, Some(b"c"))],
        ];
        for other in others {
            assert_ne!(digest_of(other), same);
        }
        assert_eq!(digest_of(&[(1, Some(b"a")), (1, None)]), [0; 32], "as before there were any");
    }
}
