//! A key block that was parsed: nothing of it is believed yet.

use data_encoding::HEXUPPER;

use super::{Header, Tr31Error};

/// A key block that was parsed. Its header may be shown; whether it is authentic shows
/// only when it is unwrapped.
#[derive(Debug, Clone)]
pub struct Block<'a> {
    /// The header as parsed.
    pub(super) header: Header,
    /// The header as it stands: what the MAC covers.
    pub(super) text: &'a [u8],
    /// The encrypted key, whole blocks of the cipher.
    pub(super) encrypted: Vec<u8>,
    /// The MAC, as long as the version says.
    pub(super) mac: Vec<u8>,
}

impl<'a> Block<'a> {
    /// Parses a whole block, without white space around it. Hex is in capitals only, so
    /// that a block has one text.
    ///
    /// # Errors
    /// [`Tr31Error`] names what is wrong.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Tr31Error> {
        let (header, length, behind) = Header::read(bytes)?;
        if length != bytes.len() {
            return Err(Tr31Error::Length);
        }
        let text = bytes.get(..bytes.len() - behind.len()).ok_or(Tr31Error::Cut)?;
        let (size, mac_len) = (header.version.cipher_block(), header.version.mac_len());
        let mac_at = behind.len().checked_sub(2 * mac_len).ok_or(Tr31Error::Cut)?;
        let (encrypted, mac) = behind.split_at_checked(mac_at).ok_or(Tr31Error::Cut)?;
        if encrypted.is_empty() || !encrypted.len().is_multiple_of(2 * size) {
            return Err(Tr31Error::Cut);
        }
        let bytes_of = |hex: &[u8]| HEXUPPER.decode(hex).map_err(|_| Tr31Error::Character);
        Ok(Self { header, text, encrypted: bytes_of(encrypted)?, mac: bytes_of(mac)? })
    }

    /// What the header says. Anybody may have written it.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }
}
