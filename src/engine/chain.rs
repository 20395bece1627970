//! The chain of commit groups: each group's MAC covers the one before.

use std::sync::Arc;

use super::OpenGroup;
use super::authentic::Authentic;
use super::tags::Tags;
use crate::crypto::{Audit, MacState};
use crate::keys::{Keyring, Versions};
use crate::store::journal::{self, Standing};
use crate::store::{ChainHead, Epoch, Group, GroupNumber, Page, Record, Store, StoreError, StoredGroup};

const GROUP_LABEL: &[u8] = b"tallystick/v1/journal";

/// Numbers groups and chains them under the audit key:
/// `mac = HMAC-SHA-256(AK, "tallystick/v1/journal" || mac before || number (8) ||
/// epoch (8) || length of marks (4) || marks || body)`.
#[derive(Debug)]
pub struct Chain {
    head: ChainHead,
    epoch: Epoch,
    keyring: Arc<Keyring>,
    tags: Tags,
    is_shared: bool,
}

impl Chain {
    pub(super) fn new(keyring: Arc<Keyring>, store: &dyn Store, head: ChainHead, tags: Tags) -> Self {
        Self { head, epoch: store.epoch(), keyring, tags, is_shared: store.is_shared() }
    }

    /// Makes the next group of what was taken from the engine. `anchored` is the
    /// newest group of which the anchor is known to have been told; the journal
    /// keeps it, so that a start finds it.
    pub fn seal(&mut self, open: OpenGroup, anchored: GroupNumber) -> Group {
        let OpenGroup { issued, consumed, tokens, records, pages, first } = open;
        let (version, key) = self.keyring.audit.active();
        let audit = key.mac_state();
        let pages_digest = self.tags.take(audit, &pages, &records);
        let GroupNumber(before) = self.head.number;
        // One that is told of everything is told of what there is. Where several nodes
        // write, each has an anchor of its own, and the journal knows of none.
        let told = if self.is_shared { GroupNumber(0) } else { anchored.min(self.head.number) };
        let standing = Standing { first, anchored: told, pages: pages_digest };
        let mut group = Group {
            number: GroupNumber(before + 1),
            epoch: self.epoch,
            before: self.head.mac,
            body: journal::encode(&issued, &consumed, standing),
            mac: [0; 32],
            tokens: tokens.into_iter().map(|row| row.sealed(version, audit)).collect(),
            records: records.into_iter().map(|record| record.sealed(version, audit)).collect(),
            pages,
            keep_from: first.min(anchored),
        };
        let Group { number, epoch, before, ref body, mac, .. } = group;
        group.mac = link(audit, &StoredGroup { number, epoch, before, marks: &group.marks(), body, mac });
        self.head = ChainHead { number, mac: group.mac };
        group
    }

    /// Checks that a group of another node follows the newest one.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it does not, or is not authentic.
    pub(super) fn expect(&self, group: &StoredGroup<'_>) -> Result<(), StoreError> {
        let GroupNumber(before) = self.head.number;
        let follows = before.checked_add(1) == Some(group.number.0) && group.before == self.head.mac;
        if follows && is_authentic(&self.keyring.audit, group) {
            Ok(())
        } else {
            Err(StoreError::Corrupt("the journal's chain is broken"))
        }
    }

    /// Goes on behind a group of another node. `records` and `pages` are what it wrote,
    /// the pages as this node has them.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the other node's pages are not this one's.
    pub(super) fn follow(
        &mut self,
        group: &StoredGroup<'_>,
        records: &[Record],
        pages: &[Page],
        standing: Standing,
    ) -> Result<(), StoreError> {
        let (_, key) = self.keyring.audit.active();
        let digest = self.tags.take(key.mac_state(), pages, records);
        if !bool::from(subtle::ConstantTimeEq::ct_eq(&digest[..], &standing.pages[..])) {
            return Err(StoreError::Corrupt("another node's pages are not as this one's"));
        }
        self.head = ChainHead { number: group.number, mac: group.mac };
        Ok(())
    }

    /// The keys that groups are chained with.
    pub(super) fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.keyring)
    }

    /// The newest group sealed.
    #[must_use]
    pub const fn head(&self) -> ChainHead {
        self.head
    }

    /// The writer's epoch.
    #[must_use]
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }
}

/// Whether a stored group is authentic, under any version of the audit key that
/// is not destroyed.
pub(super) fn is_authentic(keys: &Versions<Audit>, group: &StoredGroup<'_>) -> bool {
    keys.iter().any(|(_, key)| {
        let expected = link(key.mac_state(), group);
        bool::from(subtle::ConstantTimeEq::ct_eq(&expected[..], &group.mac[..]))
    })
}

fn link(audit: &MacState, group: &StoredGroup<'_>) -> [u8; 32] {
    let (number, epoch) = (group.number.0.to_be_bytes(), group.epoch.0.to_be_bytes());
    let marks = u32::try_from(group.marks.len()).unwrap_or(u32::MAX).to_be_bytes();
    let parts = [GROUP_LABEL, &group.before, &number, &epoch, &marks, group.marks, group.body];
    *audit.mac(&parts).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::samples::keyring;
    use crate::store::{CounterMove, MemoryDisk, MemoryStore, PageKind, TokenSlot};
    use crate::types::Atc;

    const BROKEN: StoreError = StoreError::Corrupt("the journal's chain is broken");

    fn chain(keyring: &Arc<Keyring>) -> Chain {
        let store = MemoryStore::join(&MemoryDisk::new(), 1);
        Chain::new(Arc::clone(keyring), &store, ChainHead::START, Tags::default())
    }

    fn open(atc: u32) -> OpenGroup {
        let atc = Atc::new(atc).unwrap();
        OpenGroup { issued: vec![CounterMove { slot: TokenSlot(0), atc }], ..OpenGroup::default() }
    }

    fn stored<'a>(group: &'a Group, marks: &'a [u8]) -> StoredGroup<'a> {
        let Group { number, epoch, before, ref body, mac, .. } = *group;
        StoredGroup { number, epoch, before, marks, body, mac }
    }

    #[test]
    fn whatever_of_a_group_is_changed_it_is_not_authentic() {
        let keyring = keyring();
        let group = chain(&keyring).seal(open(1), GroupNumber(0));
        let good = stored(&group, &[]);
        let is_authentic = |group: &StoredGroup<'_>| is_authentic(&keyring.audit, group);
        assert!(is_authentic(&good));
        for changed in [
            StoredGroup { number: GroupNumber(2), ..good },
            StoredGroup { epoch: Epoch(good.epoch.0 + 1), ..good },
            StoredGroup { before: [1; 32], ..good },
            StoredGroup { marks: &[0; 6], ..good },
            StoredGroup { body: &good.body[1..], ..good },
            StoredGroup { mac: [0; 32], ..good },
            // The same bytes, cut elsewhere.
            StoredGroup { marks: &good.body[..1], body: &good.body[1..], ..good },
        ] {
            assert!(!is_authentic(&changed), "{changed:?}");
        }
        let other = self::keyring();
        assert!(!super::is_authentic(&other.audit, &good));
    }

    #[test]
    fn another_nodes_group_must_be_the_next_one_and_authentic() {
        let keyring = keyring();
        let (mut writer, mut reader) = (chain(&keyring), chain(&keyring));
        let groups = [1, 2].map(|atc| writer.seal(open(atc), GroupNumber(0)));
        let [first, second] = [&groups[0], &groups[1]].map(|group| stored(group, &[]));
        assert_eq!(reader.expect(&first), Ok(()));
        assert_eq!(reader.expect(&second), Err(BROKEN));
        assert_eq!(reader.expect(&StoredGroup { mac: [1; 32], ..first }), Err(BROKEN));
        reader.follow(&first, &[], &[], Standing::default()).unwrap();
        assert_eq!(reader.head(), ChainHead { number: first.number, mac: first.mac });
        assert_eq!(reader.expect(&first), Err(BROKEN));
        assert_eq!(reader.expect(&second), Ok(()));
        // Of the right place in another history: authentic, and not after this one.
        let mut elsewhere = chain(&keyring);
        elsewhere.seal(open(7), GroupNumber(0));
        let other = elsewhere.seal(open(8), GroupNumber(0));
        assert_eq!(reader.expect(&stored(&other, &[])), Err(BROKEN));
        // The right one before it, and another number.
        let mut skipping = chain(&keyring);
        skipping.head = ChainHead { number: GroupNumber(5), ..reader.head() };
        let skipped = skipping.seal(open(9), GroupNumber(0));
        assert_eq!(reader.expect(&stored(&skipped, &[])), Err(BROKEN));
    }

    #[test]
    fn another_nodes_pages_must_be_as_this_ones() {
        let keyring = keyring();
        let page = |byte| Page { kind: PageKind::Tokens, number: 0, body: vec![byte] };
        let (_, key) = keyring.audit.active();
        let pages = Tags::default().take(key.mac_state(), &[page(1)], &[]);
        let standing = Standing { pages, ..Standing::default() };
        let group = chain(&keyring).seal(OpenGroup { pages: vec![page(1)], ..open(1) }, GroupNumber(0));
        let first = stored(&group, &[]);
        let mut same = chain(&keyring);
        assert_eq!(same.follow(&first, &[], &[page(1)], standing), Ok(()));
        assert_eq!(same.head().number, GroupNumber(1));
        let mut other = chain(&keyring);
        let refused = other.follow(&first, &[], &[page(2)], standing);
        assert_eq!(refused, Err(StoreError::Corrupt("another node's pages are not as this one's")));
        assert_eq!(other.head(), ChainHead::START);
    }
}
