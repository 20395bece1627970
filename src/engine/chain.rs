//! The chain of commit groups: each group's MAC covers the one before.

use std::sync::Arc;

use super::OpenGroup;
use super::authentic::Authentic;
use super::tags::Tags;
use crate::crypto::{Audit, MacState};
use crate::keys::{Keyring, Versions};
use crate::store::journal::{self, Standing};
use crate::store::{ChainHead, Epoch, Group, GroupNumber, StoredGroup};

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
}

impl Chain {
    pub(super) const fn new(keyring: Arc<Keyring>, epoch: Epoch, head: ChainHead, tags: Tags) -> Self {
        Self { head, epoch, keyring, tags }
    }

    /// Makes the next group of what was taken from the engine. `anchored` is the
    /// newest group of which the anchor is known to have been told; the journal
    /// keeps it, so that a start finds it.
    pub fn seal(&mut self, open: OpenGroup, anchored: GroupNumber) -> Group {
        let OpenGroup { issued, consumed, tokens, records, pages, first } = open;
        let (version, key) = self.keyring.audit.active();
        let audit = key.mac_state();
        for page in &pages {
            self.tags.put(audit, page.kind, page.number, &page.body);
        }
        for record in &records {
            self.tags.put_record(audit, record);
        }
        let GroupNumber(before) = self.head.number;
        let pages_digest = self.tags.digest(audit);
        // One that is told of everything is told of what there is.
        let told = anchored.min(self.head.number);
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
