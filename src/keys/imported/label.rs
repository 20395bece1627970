//! The label of an imported key.

use std::fmt;

use thiserror::Error;

/// Most characters of a label.
pub const MAX_LABEL: usize = 32;

/// What an imported key is called: 1 to 32 of `a-z`, `0-9` and `-`. A keyring has it
/// once, also after its key was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Label(String);

/// The text is empty, too long or has another character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a label is 1 to 32 of a-z, 0-9 and -")]
pub struct LabelError;

impl Label {
    /// Takes 1 to 32 of `a-z`, `0-9` and `-`.
    ///
    /// # Errors
    /// [`LabelError`] otherwise.
    pub fn parse(text: &str) -> Result<Self, LabelError> {
        let fits = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if (1..=MAX_LABEL).contains(&text.len()) && text.as_bytes().iter().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(LabelError)
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_label_is() {
        for good in ["a", "0-9", "visa-2026", &"x".repeat(32)] {
            assert_eq!(Label::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", &"x".repeat(33), "A", "a b", "a_b", "é", "a\n"] {
            assert_eq!(Label::parse(bad), Err(LabelError), "{bad:?}");
        }
    }
}
