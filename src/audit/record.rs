//! A record, and what chains it to the one before.
//!
//! `length (2) || format 1 (1) || audit key version (1) || number (8) || unix
//! seconds (8) || event (CBOR) || link (32) || MAC (32)`, big-endian, where
//! `link = SHA-256("tallystick/v1/audit-link" || link before || bytes before the
//! link)` and `MAC = HMAC-SHA-256(AK, "tallystick/v1/audit-record" || link)`.

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Event, Keys};
use crate::types::{KeyVersion, UnixTime};

/// What chains a record to all before it.
pub type Link = [u8; 32];

/// The link before the first record.
pub const NO_LINK: Link = [0; 32];

/// Most bytes of a record.
pub const LONGEST: usize = 65_535;

const FORMAT: u8 = 1;
const HEAD: usize = 20;
const LINK: usize = 32;
const MAC: usize = 32;
const LINK_LABEL: &[u8] = b"tallystick/v1/audit-link";
const MAC_LABEL: &[u8] = b"tallystick/v1/audit-record";

/// The last record of a chain: its number and link. Zeros before the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// Its number.
    pub number: u64,
    /// Its link.
    pub link: Link,
}

impl Tip {
    /// Before the first record.
    pub const START: Self = Self { number: 0, link: NO_LINK };
}

/// A record as it stands in a file. Only its form was checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its number, one above that of the record before.
    pub number: u64,
    /// When it was written.
    pub time: UnixTime,
    /// The version of the audit key that its MAC is under.
    pub key: KeyVersion,
    /// What it says: see [`Event::decode`].
    pub event: &'a [u8],
    /// What chains it to the one before.
    pub link: &'a Link,
    mac: &'a [u8; MAC],
    linked: &'a [u8],
    len: usize,
}

impl<'a> Record<'a> {
    /// Reads the record at the beginning of `bytes`; none if there is none of this
    /// form.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let len = usize::from(u16::from_be_bytes(*bytes.first_chunk()?));
        let (linked, rest) = bytes.get(..len)?.split_at_checked(len.checked_sub(LINK + MAC)?)?;
        let (head, event) = linked.split_first_chunk::<HEAD>()?;
        let [_, _, format, key, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *head;
        if format != FORMAT {
            return None;
        }
        let (link, mac) = rest.split_first_chunk::<LINK>()?;
        Some(Self {
            number: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            time: UnixTime::from_seconds(u64::from_be_bytes([i, j, k, l, m, n, o, p])),
            key: KeyVersion::new(key).ok()?,
            event,
            link,
            mac: mac.first_chunk()?,
            linked,
            len,
        })
    }

    /// Its bytes in the file.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.len
    }

    /// Whether its link is that of a record behind the one with the link `before`.
    #[must_use]
    pub fn follows(&self, before: &Link) -> bool {
        link(before, self.linked) == *self.link
    }

    /// Whether its MAC is right; none if its key is not at hand.
    #[must_use]
    pub fn is_authentic(&self, keys: &dyn Keys) -> Option<bool> {
        let key = keys.get(self.key)?;
        let expected = key.mac_state().mac(&[MAC_LABEL, self.link]);
        Some(expected.as_bytes().ct_eq(self.mac).into())
    }

    /// Its number and link.
    #[must_use]
    pub const fn tip(&self) -> Tip {
        Tip { number: self.number, link: *self.link }
    }
}

/// Makes the record behind `before`. None if the numbers are used up, or the event
/// is too long for a record.
pub(super) fn seal(keys: &dyn Keys, before: &Tip, time: UnixTime, event: &Event) -> Option<(Vec<u8>, Tip)> {
    let number = before.number.checked_add(1)?;
    let (version, key) = keys.active();
    let mut bytes = vec![0, 0, FORMAT, version.get()];
    bytes.extend_from_slice(&number.to_be_bytes());
    bytes.extend_from_slice(&time.seconds().to_be_bytes());
    event.encode(&mut bytes);
    let len = u16::try_from(bytes.len() + LINK + MAC).ok()?;
    if let Some(field) = bytes.first_chunk_mut() {
        *field = len.to_be_bytes();
    }
    let link = link(&before.link, &bytes);
    bytes.extend_from_slice(&link);
    bytes.extend_from_slice(key.mac_state().mac(&[MAC_LABEL, &link]).as_bytes());
    Some((bytes, Tip { number, link }))
}

fn link(before: &Link, linked: &[u8]) -> Link {
    Sha256::new().chain_update(LINK_LABEL).chain_update(before).chain_update(linked).finalize().into()
}
