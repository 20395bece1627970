//! Custodian shares: any `threshold` of them open a keyring, fewer tell nothing.
//!
//! What is split is a wrapping key that is drawn for this and wraps the root key,
//! never the root key itself. So a new splitting voids all shares of the old.

mod error;
mod gathering;
mod splitting;
mod text;

pub use error::ShareError;
pub use gathering::Gathering;
pub use splitting::Splitting;

use std::fmt;

use zeroize::Zeroizing;

use super::shamir::Value;
use crate::secmem::{MAC_STACK, Region, Secret32, scrubbed};

/// Most shares of a splitting.
pub const MAX_SHARES: u8 = 16;
/// Bytes of a splitting's id of which a share's text has a copy.
const TAG: usize = 4;

/// One custodian's share, its value in locked memory.
pub struct Share {
    /// The beginning of the splitting's id.
    tag: [u8; TAG],
    threshold: u8,
    count: u8,
    number: u8,
    value: Value,
}

impl Share {
    /// Reads the text of a share: the first line that is neither empty nor begins
    /// with `#`.
    ///
    /// # Errors
    /// [`ShareError::Text`] if it was mistyped; [`ShareError::Memory`].
    pub fn parse(region: &Region, text: &str) -> Result<Self, ShareError> {
        scrubbed::<MAC_STACK, _>(|| Self::parse_on_stack(region, text))
    }

    fn parse_on_stack(region: &Region, text: &str) -> Result<Self, ShareError> {
        let line = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
        let bytes = text::decode(line.ok_or(ShareError::Text)?)?;
        let [format, threshold, count, number, a, b, c, d, ref value @ ..] = *bytes;
        if format != text::FORMAT || !(1..=count).contains(&number) || !are_possible(threshold, count) {
            return Err(ShareError::Text);
        }
        let value = Secret32::fill_with(region, |slot| -> Result<(), ShareError> {
            slot.copy_from_slice(value);
            Ok(())
        })?;
        Ok(Self { tag: [a, b, c, d], threshold, count, number, value })
    }

    /// The text that its custodian keeps: 72 characters and a checksum among them,
    /// in groups of four.
    #[must_use]
    pub fn text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; text::CONTENT]);
        let head = [text::FORMAT, self.threshold, self.count, self.number].into_iter().chain(self.tag);
        for (slot, byte) in bytes.iter_mut().zip(head.chain(self.value.expose().iter().copied())) {
            *slot = byte;
        }
        text::encode(&bytes)
    }

    /// Its number, from 1.
    #[must_use]
    pub const fn number(&self) -> u8 {
        self.number
    }

    /// How many open the keyring.
    #[must_use]
    pub const fn threshold(&self) -> u8 {
        self.threshold
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u8 {
        self.count
    }

    /// The beginning of its splitting's id, in hex.
    #[must_use]
    pub fn splitting(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.tag)
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({} of {}, redacted)", self.number, self.count)
    }
}

/// The text of whatever content, with its checksum: for fuzzing.
pub(crate) fn share_text(content: &[u8; text::CONTENT]) -> Zeroizing<String> {
    text::encode(content)
}

/// Whether so many of so many can be asked for: at least two people, and not more
/// than there are shares.
pub(super) const fn are_possible(threshold: u8, count: u8) -> bool {
    2 <= threshold && threshold <= count && count <= MAX_SHARES
}

#[cfg(test)]
mod tests;
