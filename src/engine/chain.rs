//! The chain of commit groups: each group's MAC covers the one before.

use super::OpenGroup;
use crate::crypto::MacState;
use crate::keys::Keyring;
use crate::store::{ChainHead, Epoch, Group, GroupNumber, Record, TokenRow, journal};
use crate::types::KeyVersion;

const GROUP_LABEL: &[u8] = b"tallystick/v1/journal";
const ROWS_LABEL: &[u8] = b"tallystick/v1/rows";

/// Numbers groups and chains them under the audit key:
/// `mac = HMAC-SHA-256(AK, "tallystick/v1/journal" || mac before || number (8) ||
/// epoch (8) || body)`.
#[derive(Debug)]
pub struct Chain {
    head: ChainHead,
    epoch: Epoch,
    audit: MacState,
}

impl Chain {
    pub(super) fn new(keyring: &Keyring, epoch: Epoch, head: ChainHead) -> Self {
        Self { head, epoch, audit: keyring.audit.active().1.mac_state() }
    }

    /// Makes the next group of what was taken from the engine.
    pub fn seal(&mut self, open: OpenGroup) -> Group {
        let OpenGroup { issued, consumed, tokens, records } = open;
        let rows_digest = rows_digest(&self.audit, &tokens, &records);
        let body = journal::encode(&issued, &consumed, rows_digest);
        let GroupNumber(before) = self.head.number;
        let number = GroupNumber(before + 1);
        let mac = link(&self.audit, &self.head, number, self.epoch, &body);
        self.head = ChainHead { number, mac };
        Group { number, epoch: self.epoch, body, mac, tokens, records }
    }

    /// The newest group sealed.
    #[must_use]
    pub const fn head(&self) -> ChainHead {
        self.head
    }
}

/// Whether a stored group chains to the head before it, under any version of
/// the audit key that is not destroyed.
pub(super) fn chains(
    states: &[(KeyVersion, MacState)],
    before: &ChainHead,
    after: &ChainHead,
    epoch: Epoch,
    body: &[u8],
) -> bool {
    let consecutive = before.number.0.checked_add(1) == Some(after.number.0);
    let matches = |state: &MacState| {
        let expected = link(state, before, after.number, epoch, body);
        bool::from(subtle::ConstantTimeEq::ct_eq(&expected[..], &after.mac[..]))
    };
    consecutive && states.iter().any(|(_, state)| matches(state))
}

fn link(audit: &MacState, before: &ChainHead, number: GroupNumber, epoch: Epoch, body: &[u8]) -> [u8; 32] {
    let parts: [&[u8]; 5] = [GROUP_LABEL, &before.mac, &number.0.to_be_bytes(), &epoch.0.to_be_bytes(), body];
    *audit.mac(&parts).as_bytes()
}

/// A digest of the rows and records of a group, each with its length. Zeros if
/// there are none, which is the hot path.
fn rows_digest(audit: &MacState, tokens: &[TokenRow], records: &[Record]) -> [u8; 32] {
    if tokens.is_empty() && records.is_empty() {
        return [0; 32];
    }
    let mut text = Vec::new();
    let mut put = |bytes: &[u8]| {
        text.extend_from_slice(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        text.extend_from_slice(bytes);
    };
    for row in tokens {
        put(&row.slot.0.to_be_bytes());
        put(&row.trid.value().to_be_bytes());
        put(&row.body);
    }
    for record in records {
        put(&[record.space.number(), u8::from(record.body.is_some())]);
        put(&record.key);
        put(record.body.as_deref().unwrap_or_default());
    }
    *audit.mac(&[ROWS_LABEL, &text]).as_bytes()
}
