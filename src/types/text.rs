//! Short texts with limits.

use thiserror::Error;

/// The text is empty, too long or holds other characters than allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the text is empty, too long, or holds a character that is not allowed")]
pub struct TextError;

/// A merchant id: 1 to 255 printable ASCII characters, borrowed from its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Merchant<'a>(&'a [u8]);

impl<'a> Merchant<'a> {
    /// Takes 1 to 255 printable ASCII characters.
    ///
    /// # Errors
    /// [`TextError`] otherwise.
    pub fn parse(ascii: &'a [u8]) -> Result<Self, TextError> {
        if (1..=255).contains(&ascii.len()) && printable(ascii) { Ok(Self(ascii)) } else { Err(TextError) }
    }

    /// The characters.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The number of characters, 1 to 255.
    #[must_use]
    pub fn len_byte(self) -> u8 {
        u8::try_from(self.0.len()).unwrap_or(u8::MAX)
    }
}

/// A reference of another party: 1 to 64 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference(String);

impl Reference {
    /// Takes 1 to 64 printable ASCII characters.
    ///
    /// # Errors
    /// [`TextError`] otherwise.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        if (1..=64).contains(&text.len()) && printable(text.as_bytes()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(TextError)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A token service provider's name: 1 to 32 of `a-z`, `0-9`, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderName(String);

impl ProviderName {
    /// Takes 1 to 32 of `a-z`, `0-9`, `-` and `_`.
    ///
    /// # Errors
    /// [`TextError`] otherwise.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
        if (1..=32).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(TextError)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn printable(ascii: &[u8]) -> bool {
    ascii.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits() {
        assert!(Merchant::parse(&[b'm'; 255]).is_ok());
        assert!(Merchant::parse(&[b'm'; 256]).is_err());
        assert!(Merchant::parse(b"").is_err());
        assert!(Merchant::parse(b"m\0").is_err());
        assert!(Reference::parse(&"r".repeat(64)).is_ok());
        assert!(Reference::parse(&"r".repeat(65)).is_err());
        assert!(ProviderName::parse("visa").is_ok());
        assert!(ProviderName::parse("Visa").is_err());
    }
}
