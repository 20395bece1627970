//! An anchor: its bytes, the file that keeps it, and what a service answers.

use data_encoding::HEXLOWER;

use super::keys::keyring;
use crate::daemon::anchor::{Bytes, file, service};
use crate::engine::Anchor;
use crate::keys::Keyring;
use crate::store::{ChainHead, Epoch, GroupNumber};
use crate::types::KeyVersion;

/// The bytes as a service's answer, as the blocks of a file, and as the fields of an
/// anchor: that comes back as it was written, from beside other blocks too, and with any
/// one bit changed it does not.
pub fn anchor(data: &[u8]) {
    let Some(keyring) = keyring() else { return };
    if let Ok(Ok(Some(bytes))) = service::read_line(data).map(|line| service::parse(&line)) {
        let hex = HEXLOWER.encode(&bytes);
        assert!(data.starts_with(hex.as_bytes()), "an answer was read as another");
        let _ = Anchor::from_bytes(keyring, &bytes);
    }
    let (blocks, _) = data.as_chunks::<{ Anchor::LEN }>();
    if let Some(two) = blocks.first_chunk() {
        assert!(of_file(keyring, two).is_none(), "an anchor was forged");
    }
    if let Some((head, other)) = data.split_first_chunk() {
        made(keyring, *head, other.first_chunk().unwrap_or(&[0; Anchor::LEN]));
    }
}

/// The anchor that a file of these blocks keeps.
fn of_file(keyring: &Keyring, blocks: &[Bytes; 2]) -> Option<Anchor> {
    let rank = |bytes: &Bytes| {
        let anchor = Anchor::from_bytes(keyring, bytes).ok()?;
        Some((anchor.epoch.0, anchor.head.number.0))
    };
    let (kept, newest) = file::kept(blocks, &rank);
    let anchor = kept.and_then(|bytes| Anchor::from_bytes(keyring, &bytes).ok());
    assert!(anchor.is_some() == newest.is_some(), "a block is the newest anchor and is none");
    anchor
}

fn made(keyring: &Keyring, [kind, bit, key, rest @ ..]: [u8; 19], other: &Bytes) {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = rest;
    let Ok(token_key) = KeyVersion::new(key) else { return };
    let epoch = Epoch(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
    let number = GroupNumber(u64::from_be_bytes([i, j, k, l, m, n, o, p]));
    let mac = other.first_chunk().copied().unwrap_or_default();
    let head = ChainHead { number, mac };
    let anchor = Anchor { epoch, head, token_key };
    let bytes = anchor.to_bytes(keyring);
    assert!(Anchor::from_bytes(keyring, &bytes) == Ok(anchor), "an anchor came back as another");
    let older = Anchor { epoch: Epoch(epoch.0.saturating_sub(u64::from(kind))), ..anchor };
    let older = older.to_bytes(keyring);
    for blocks in [[bytes, *other], [*other, bytes], [bytes, older], [older, bytes]] {
        assert!(of_file(keyring, &blocks) == Some(anchor), "the newest anchor was not taken");
    }
    let at = (usize::from(bit) * 8 + usize::from(kind % 8)) % (Anchor::LEN * 8);
    let mut changed = bytes;
    if let Some(byte) = changed.get_mut(at / 8) {
        *byte ^= 1 << (at % 8);
    }
    assert!(Anchor::from_bytes(keyring, &changed).is_err(), "a changed anchor was taken");
}
