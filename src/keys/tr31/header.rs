//! The header of a key block.

use super::{
    Algorithm, BlockVersion, Exportability, KeyContext, KeyUsage, KeyVersionNumber, ModeOfUse,
    OptionalBlocks, Tr31Error,
};

/// Characters of a header before its optional blocks.
pub const HEADER_LEN: usize = 16;

/// The header of a key block (TR 31-2018, A.2, table 4; X9.143:2021, 6.2, table 1): version 1, length 4
/// digits, usage 2, algorithm 1, mode of use 1, key version number 2, exportability 1,
/// number of optional blocks 2 digits, key context 1, reserved 1, optional blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// How the block is protected.
    pub version: BlockVersion,
    /// What the key is for.
    pub usage: KeyUsage,
    /// What the key computes.
    pub algorithm: Algorithm,
    /// What may be done with it.
    pub mode: ModeOfUse,
    /// The key's version.
    pub key_version: KeyVersionNumber,
    /// Whether it may leave.
    pub exportability: Exportability,
    /// Where the block is meant to be used.
    pub context: KeyContext,
    /// The optional blocks, padding too.
    pub optional: OptionalBlocks,
}

impl Header {
    /// Reads a header from the beginning of a block; gives the length that it says and
    /// what stands behind it.
    ///
    /// # Errors
    /// [`Tr31Error`] names the first field that is wrong.
    pub fn read(bytes: &[u8]) -> Result<(Self, usize, &[u8]), Tr31Error> {
        let (fixed, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(Tr31Error::Cut)?;
        if !fixed.iter().all(u8::is_ascii_alphanumeric) {
            return Err(Tr31Error::Character);
        }
        let &[version, l0, l1, l2, l3, u0, u1, algorithm, mode, v0, v1, export, n0, n1, context, reserved] =
            fixed;
        let version = BlockVersion::parse(version)?;
        let length = decimal(&[l0, l1, l2, l3]).ok_or(Tr31Error::Length)?;
        let count = decimal(&[n0, n1]).ok_or(Tr31Error::OptionalCount)?;
        if reserved != b'0' {
            return Err(Tr31Error::Reserved(reserved.into()));
        }
        let (usage, algorithm) = (KeyUsage::parse([u0, u1])?, Algorithm::parse(algorithm)?);
        let (mode, key_version) = (ModeOfUse::parse(mode)?, KeyVersionNumber::parse([v0, v1])?);
        let (exportability, context) = (Exportability::parse(export)?, KeyContext::parse(context)?);
        let (optional, behind) = OptionalBlocks::read(count, rest)?;
        if !(rest.len() - behind.len()).is_multiple_of(version.cipher_block()) {
            return Err(Tr31Error::OptionalPadding);
        }
        let header = Self { version, usage, algorithm, mode, key_version, exportability, context, optional };
        Ok((header, length, behind))
    }

    /// The header of a block of which so many characters follow, its optional blocks
    /// padded as its version demands.
    ///
    /// # Errors
    /// [`Tr31Error::TooLong`] beyond 9,999 characters; [`Tr31Error::OptionalCount`] if
    /// there is no room for a padding block.
    pub(super) fn to_text(&self, behind: usize) -> Result<Vec<u8>, Tr31Error> {
        let optional = self.optional.padded(self.version.cipher_block())?;
        let blocks = optional.to_bytes();
        let length = HEADER_LEN + blocks.len() + behind;
        if length > 9999 {
            return Err(Tr31Error::TooLong);
        }
        let Self { version, usage, algorithm, mode, key_version, exportability, context, .. } = self;
        let fixed = format!(
            "{}{length:04}{usage}{}{}{key_version}{}{:02}{}0",
            version.letter(),
            algorithm.letter(),
            mode.letter(),
            exportability.letter(),
            optional.len(),
            context.letter(),
        );
        Ok([fixed.as_bytes(), &blocks].concat())
    }
}

fn decimal(digits: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(digits).ok().filter(|_| digits.iter().all(u8::is_ascii_digit))?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &[u8] = b"B0120P0TE12N0200TT0EHelloWorldPB0A000000";

    #[test]
    fn it_says_what_it_says_and_is_written_as_it_was() {
        let (header, length, behind) = Header::read(TEXT).unwrap();
        assert_eq!((length, behind), (120, &b""[..]));
        let more = [TEXT, b"8F"].concat();
        assert_eq!(Header::read(&more), Ok((header.clone(), length, &b"8F"[..])));
        assert_eq!((header.version, header.usage.to_string()), (BlockVersion::B, "P0".to_owned()));
        assert_eq!((header.algorithm, header.mode), (Algorithm::Tdes, ModeOfUse::EncryptOnly));
        assert_eq!((header.key_version.as_bytes(), header.exportability), (*b"12", Exportability::No));
        assert_eq!(header.optional.get(*b"TT").unwrap().data(), b"HelloWorld");
        assert_eq!(header.to_text(80).unwrap(), TEXT);
        assert_eq!(header.to_text(9999 - 39), Err(Tr31Error::TooLong));
        assert!(header.to_text(9999 - 40).is_ok());
    }

    #[test]
    fn every_field_is_checked() {
        for (at, with, told) in [
            (0, "E", Tr31Error::Version('E')),
            (0, "1", Tr31Error::Version('1')),
            (1, "+120", Tr31Error::Character),
            (1, "012F", Tr31Error::Length),
            (5, "p0", Tr31Error::Character),
            (7, "B", Tr31Error::Algorithm('B')),
            (8, "Z", Tr31Error::ModeOfUse('Z')),
            (9, "-1", Tr31Error::Character),
            (11, "X", Tr31Error::Exportability('X')),
            (12, "2A", Tr31Error::OptionalCount),
            (12, "01", Tr31Error::OptionalPadding),
            (12, "03", Tr31Error::OptionalCount),
            (14, "3", Tr31Error::KeyContext('3')),
            (15, "1", Tr31Error::Reserved('1')),
            (15, "\u{7f}", Tr31Error::Character),
        ] {
            let mut changed = TEXT.to_vec();
            changed[at..at + with.len()].copy_from_slice(with.as_bytes());
            assert_eq!(Header::read(&changed).map(|_| ()), Err(told), "{with} at {at}");
        }
        for length in 0..TEXT.len() {
            assert!(Header::read(&TEXT[..length]).is_err(), "cut at {length}");
        }
    }
}
