//! The version of a key block: how it is protected.

use super::Tr31Error;

/// How a key block is protected (X9.143:2021, 6.2, table 1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BlockVersion {
    /// TDES, the key's variants; withdrawn, read only.
    A,
    /// TDES, keys derived by CMAC.
    B,
    /// TDES, the key's variants, as A with the table of header values of B; read only.
    C,
    /// AES, keys derived by CMAC.
    D,
}

impl BlockVersion {
    const ALL: [Self; 4] = [Self::A, Self::B, Self::C, Self::D];

    /// The version of a block's first character.
    ///
    /// # Errors
    /// [`Tr31Error::Version`].
    pub fn parse(letter: u8) -> Result<Self, Tr31Error> {
        let known = Self::ALL.into_iter().find(|version| version.letter() == char::from(letter));
        known.ok_or(Tr31Error::Version(letter.into()))
    }

    /// The character.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::A => 'A',
            Self::B => 'B',
            Self::C => 'C',
            Self::D => 'D',
        }
    }

    /// What it is, in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "TDES key variant binding (withdrawn)",
            Self::B => "TDES key derivation binding",
            Self::C => "TDES key variant binding",
            Self::D => "AES key derivation binding",
        }
    }

    /// Bytes of a block of its cipher. Of so many characters the header with its
    /// optional blocks is a multiple, and of so many bytes what is encrypted.
    #[must_use]
    pub const fn cipher_block(self) -> usize {
        match self {
            Self::A | Self::B | Self::C => 8,
            Self::D => 16,
        }
    }

    /// Bytes of its MAC.
    #[must_use]
    pub const fn mac_len(self) -> usize {
        match self {
            Self::A | Self::C => 4,
            Self::B => 8,
            Self::D => 16,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_has_its_words() {
        let told = BlockVersion::ALL.map(|version| (version.letter(), version.name()));
        let expected = [
            ('A', "TDES key variant binding (withdrawn)"),
            ('B', "TDES key derivation binding"),
            ('C', "TDES key variant binding"),
            ('D', "AES key derivation binding"),
        ];
        assert_eq!(told, expected);
    }
}
