//! The cryptogram as it travels.

use std::fmt;

use data_encoding::{BASE64, Encoding, Specification};
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::{Atc, Binding, KeyVersion, KeyVersionError, TimeSlot};

/// A native cryptogram, version 1 (`docs/FORMATS.md`): 20 bytes, the size of the
/// CAVV, TAVV and UCAF fields.
///
/// Comparison is in constant time.
#[derive(Clone, Copy)]
pub struct Cryptogram([u8; Self::LEN]);

/// Why bytes or text are no cryptogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CryptogramError {
    /// Not 20 bytes.
    #[error("a cryptogram has 20 bytes")]
    Length,
    /// Not canonical base64 of 28 characters.
    #[error("a cryptogram is written as 28 characters of canonical base64")]
    Base64,
    /// The high nibble of the first byte is not 1.
    #[error("the cryptogram has another format version than 1")]
    Format,
    /// The key version or counter is zero, which is never issued.
    #[error("the cryptogram has a key version or counter of zero")]
    Zero,
}

/// The fields in the first eight bytes of a cryptogram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CryptogramHeader {
    /// What the MAC covers.
    pub binding: Binding,
    /// Version of the token derivation key.
    pub key_version: KeyVersion,
    /// The counter, per token.
    pub atc: Atc,
    /// When it was issued.
    pub slot: TimeSlot,
}

impl Cryptogram {
    /// Bytes of a cryptogram.
    pub const LEN: usize = 20;
    /// Bytes of its header.
    pub const HEADER: usize = 8;
    /// Bytes of its MAC.
    pub const MAC: usize = 12;

    /// Puts header and MAC together.
    #[must_use]
    pub fn assemble(header: &CryptogramHeader, mac: [u8; Self::MAC]) -> Self {
        let mut bytes = [0; Self::LEN];
        for (slot, byte) in bytes.iter_mut().zip(header.to_bytes().into_iter().chain(mac)) {
            *slot = byte;
        }
        Self(bytes)
    }

    /// Takes 20 bytes as they come.
    ///
    /// # Errors
    /// [`CryptogramError::Length`] for any other number.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, CryptogramError> {
        bytes.try_into().map(Self).map_err(|_| CryptogramError::Length)
    }

    /// Reads canonical base64.
    ///
    /// # Errors
    /// [`CryptogramError::Base64`] for other text or non-zero trailing bits,
    /// [`CryptogramError::Length`] for another number of bytes.
    pub fn from_base64(text: &str) -> Result<Self, CryptogramError> {
        let bytes = BASE64.decode(text.as_bytes()).map_err(|_| CryptogramError::Base64)?;
        Self::from_slice(&bytes)
    }

    /// Reads base64 whose trailing bits may be non-zero, as published samples
    /// of other systems have them.
    ///
    /// # Errors
    /// As [`from_base64`](Self::from_base64), without the trailing bits.
    pub fn from_base64_lenient(text: &str) -> Result<Self, CryptogramError> {
        let encoding = lenient_base64().ok_or(CryptogramError::Base64)?;
        let bytes = encoding.decode(text.as_bytes()).map_err(|_| CryptogramError::Base64)?;
        Self::from_slice(&bytes)
    }

    /// The 28 characters of canonical base64.
    #[must_use]
    pub fn to_base64(self) -> String {
        BASE64.encode(&self.0)
    }

    /// The 20 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// Reads the header.
    ///
    /// # Errors
    /// [`CryptogramError::Format`] for another format version,
    /// [`CryptogramError::Zero`] for a key version or counter of zero.
    pub fn header(&self) -> Result<CryptogramHeader, CryptogramError> {
        let [first, version, a, b, c, d, s, t, ..] = self.0;
        if first >> 4 != CryptogramHeader::FORMAT {
            return Err(CryptogramError::Format);
        }
        let binding = Binding::from_bits(first & 0x0f).map_err(|_| CryptogramError::Format)?;
        let key_version = KeyVersion::new(version).map_err(|KeyVersionError| CryptogramError::Zero)?;
        let atc = Atc::new(u32::from_be_bytes([a, b, c, d])).ok_or(CryptogramError::Zero)?;
        Ok(CryptogramHeader { binding, key_version, atc, slot: TimeSlot::new(u16::from_be_bytes([s, t])) })
    }
}

impl CryptogramHeader {
    /// The format version, the high nibble of the first byte.
    pub const FORMAT: u8 = 1;

    /// The first eight bytes of the cryptogram.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; Cryptogram::HEADER] {
        let [a, b, c, d] = self.atc.get().to_be_bytes();
        let [s, t] = self.slot.get().to_be_bytes();
        [Self::FORMAT << 4 | self.binding.bits(), self.key_version.get(), a, b, c, d, s, t]
    }
}

impl PartialEq for Cryptogram {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Cryptogram {}

impl fmt::Display for Cryptogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_base64())
    }
}

impl fmt::Debug for Cryptogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cryptogram(redacted)")
    }
}

fn lenient_base64() -> Option<Encoding> {
    let mut specification: Specification = BASE64.specification();
    specification.check_trailing_bits = false;
    specification.encoding().ok()
}

/// A dynamic token verification value: 3 decimal digits, 4 for American Express.
///
/// Comparison is in constant time for values of one length.
#[derive(Clone, Copy)]
pub struct ShortValue {
    digits: [u8; 4],
    len: usize,
}

/// The text is not 3 or 4 ASCII digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a dynamic verification value has 3 or 4 digits")]
pub struct ShortValueError;

impl ShortValue {
    /// Reads 3 or 4 ASCII digits.
    ///
    /// # Errors
    /// [`ShortValueError`] on any other length or character.
    pub fn parse(ascii: &[u8]) -> Result<Self, ShortValueError> {
        if !(3..=4).contains(&ascii.len()) || !ascii.iter().all(u8::is_ascii_digit) {
            return Err(ShortValueError);
        }
        let mut digits = [0; 4];
        for (slot, digit) in digits.iter_mut().zip(ascii) {
            *slot = *digit;
        }
        Ok(Self { digits, len: ascii.len() })
    }

    /// The digits in ASCII.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.digits.get(..self.len).unwrap_or_default()
    }
}

impl ConstantTimeEq for ShortValue {
    fn ct_eq(&self, other: &Self) -> subtle::Choice {
        self.digits.ct_eq(&other.digits)
    }
}

impl fmt::Display for ShortValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(self.as_bytes()).unwrap_or_default())
    }
}

impl fmt::Debug for ShortValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShortValue(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A published sample of another system, whose trailing bits are not zero.
    const SLOPPY: &str = "AQBBBBBBZatIlaIAmWKSghwBBBB=";

    #[test]
    fn canonical_by_default_lenient_on_request() {
        assert_eq!(Cryptogram::from_base64(SLOPPY).unwrap_err(), CryptogramError::Base64);
        let lenient = Cryptogram::from_base64_lenient(SLOPPY).unwrap();
        let text = lenient.to_base64();
        assert!(text.ends_with("BBBA="));
        assert_eq!(Cryptogram::from_base64(&text).unwrap(), lenient);
    }

    #[test]
    fn nineteen_and_twenty_one_bytes_are_refused() {
        assert_eq!(Cryptogram::from_slice(&[0; 19]).unwrap_err(), CryptogramError::Length);
        assert_eq!(Cryptogram::from_slice(&[0; 21]).unwrap_err(), CryptogramError::Length);
        assert_eq!(Cryptogram::from_base64("AAAA").unwrap_err(), CryptogramError::Length);
    }

    #[test]
    fn header_comes_back_and_zero_or_another_format_does_not() {
        let header = CryptogramHeader {
            binding: Binding::AMOUNT,
            key_version: KeyVersion::new(141).unwrap(),
            atc: Atc::new(2_364_253_475).unwrap(),
            slot: TimeSlot::new(62_213),
        };
        let cryptogram = Cryptogram::assemble(&header, [7; 12]);
        assert_eq!(cryptogram.header(), Ok(header));
        for (index, value, error) in [(0, 0x21, CryptogramError::Format), (1, 0, CryptogramError::Zero)] {
            let mut bytes = *cryptogram.as_bytes();
            bytes[index] = value;
            assert_eq!(Cryptogram::from_slice(&bytes).unwrap().header(), Err(error));
        }
        assert_eq!(format!("{cryptogram:?}"), "Cryptogram(redacted)");
    }
}
