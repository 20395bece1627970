//! One digest over all pages, kept up to date page by page.
//!
//! Each page has a tag, `HMAC-SHA-256(AK, "tallystick/v1/page" || kind (1) ||
//! number (4) || body)`. The tags are combined by exclusive or into a sum, and
//! the digest is `HMAC-SHA-256(AK, "tallystick/v1/pages" || sum)`. Neither tags
//! nor the sum are ever stored, so nobody without the key can find pages whose
//! tags combine to the same sum (Bellare, Guérin, Rogaway: XOR MACs, 1995).

use crate::crypto::MacState;
use crate::store::PageKind;

const PAGE_LABEL: &[u8] = b"tallystick/v1/page";
const PAGES_LABEL: &[u8] = b"tallystick/v1/pages";

/// The tags of all pages, and their sum.
#[derive(Debug, Default)]
pub(super) struct Tags {
    of: [Vec<[u8; 32]>; 2],
    sum: [u8; 32],
}

impl Tags {
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
        for ((sum, old), new) in self.sum.iter_mut().zip(tag.iter_mut()).zip(mac.as_bytes()) {
            *sum ^= *old ^ new;
            *old = *new;
        }
    }

    /// The digest over all pages; zeros if there are none.
    pub fn digest(&self, audit: &MacState) -> [u8; 32] {
        if self.of.iter().all(Vec::is_empty) {
            return [0; 32];
        }
        *audit.mac(&[PAGES_LABEL, &self.sum]).as_bytes()
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
}
