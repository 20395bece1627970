//! The label of an imported key.

use std::fmt;

use super::TextError;

/// The label of an imported key: 1 to 32 of `a-z`, `0-9` and `-`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyLabel {
    /// Zeros behind the characters.
    characters: [u8; Self::LONGEST],
}

impl KeyLabel {
    /// Most characters.
    pub const LONGEST: usize = 32;

    /// Takes 1 to 32 of `a-z`, `0-9` and `-`.
    ///
    /// # Errors
    /// [`TextError`] otherwise.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let allowed = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
        if !(1..=Self::LONGEST).contains(&text.len()) || !text.as_bytes().iter().all(allowed) {
            return Err(TextError);
        }
        let mut characters = [0; Self::LONGEST];
        characters.iter_mut().zip(text.bytes()).for_each(|(slot, byte)| *slot = byte);
        Ok(Self { characters })
    }

    /// The label.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let end = self.characters.iter().position(|byte| *byte == 0).unwrap_or(Self::LONGEST);
        self.characters.get(..end).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default()
    }
}

impl fmt::Display for KeyLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for KeyLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyLabel({})", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_is_allowed_and_nothing_else() {
        for text in ["a", "imk-2026", &"z".repeat(32)] {
            assert_eq!(KeyLabel::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "A", "a_b", "a b", "\0", "ä", &"z".repeat(33)] {
            assert_eq!(KeyLabel::parse(text), Err(TextError), "{text:?}");
        }
    }
}
