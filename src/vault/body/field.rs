//! Fields of a body, each read with its limits.

use thiserror::Error;

use super::Node;

/// What is wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// It is not there, or null.
    Missing,
    /// It is there and empty.
    Empty,
    /// It is longer than it may be.
    TooLong,
    /// It is of another type.
    Type,
    /// It holds characters that it must not, or its value is out of range.
    Value,
}

/// A field that cannot be taken as it is. Nothing of its value is in this.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path} {}", .why.says())]
pub struct FieldFault {
    /// The names of the field and of what it stands in, with dots between.
    pub path: String,
    /// What is wrong.
    pub why: Why,
}

/// What a text may be: printable characters without line breaks, so many bytes.
#[derive(Debug, Clone, Copy)]
pub struct Text {
    /// Most bytes.
    pub most: usize,
    /// Which characters it may hold.
    pub of: fn(char) -> bool,
}

/// The members of an object.
#[derive(Debug, Clone)]
pub struct Fields<'n> {
    node: Option<&'n Node>,
    path: String,
}

impl Why {
    /// The words for it, to stand behind the field's name.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Missing => "is required",
            Self::Empty => "must not be empty",
            Self::TooLong => "is too long",
            Self::Type => "is of the wrong type",
            Self::Value => "is not valid",
        }
    }
}

impl Text {
    /// One line of anything that can be printed, up to 255 bytes.
    pub const LINE: Self = Self { most: 255, of: |c| !c.is_control() };
    /// An identifier, as all these APIs take them from merchants: up to 64 of letters,
    /// digits and `_ - . @ : +`.
    pub const ID: Self = Self { most: 64, of: |c| c.is_ascii_alphanumeric() || "_-.@:+".contains(c) };
    /// Digits, with spaces between that readers leave out.
    pub const SPACED_DIGITS: Self = Self { most: 48, of: |c| c.is_ascii_digit() || c == ' ' };
    /// Digits.
    pub const DIGITS: Self = Self { most: 32, of: |c| c.is_ascii_digit() };
    /// Base64.
    pub const BASE64: Self = Self { most: 1024, of: |c| c.is_ascii_alphanumeric() || "+/=".contains(c) };

    /// The same with other room.
    #[must_use]
    pub const fn up_to(self, most: usize) -> Self {
        Self { most, ..self }
    }
}

impl<'n> Fields<'n> {
    /// The members of a body.
    #[must_use]
    pub const fn of(node: &'n Node) -> Self {
        Self { node: Some(node), path: String::new() }
    }

    /// A fault of a member.
    #[must_use]
    pub fn fault(&self, name: &str, why: Why) -> FieldFault {
        FieldFault { path: self.path_of(name), why }
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// A member, unless it is null.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&'n Node> {
        match self.node {
            Some(Node::Map(map)) => map.get(name).filter(|node| !matches!(node, Node::Null)),
            _ => None,
        }
    }

    /// The names of all members.
    pub fn names(&self) -> impl Iterator<Item = &'n str> + use<'n> {
        let map = if let Some(Node::Map(map)) = self.node { Some(map) } else { None };
        map.into_iter().flat_map(|map| map.keys().map(String::as_str))
    }

    /// An object within; one without members where there is none.
    ///
    /// # Errors
    /// [`Why::Type`].
    pub fn object(&self, name: &str) -> Result<Self, FieldFault> {
        let path = self.path_of(name);
        match self.get(name) {
            None => Ok(Self { node: None, path }),
            Some(node @ Node::Map(_)) => Ok(Self { node: Some(node), path }),
            Some(_) => Err(self.fault(name, Why::Type)),
        }
    }

    /// Whether the object is there.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        self.node.is_some()
    }

    /// A text; an empty one counts as none.
    ///
    /// # Errors
    /// [`Why::Type`], [`Why::TooLong`], [`Why::Value`].
    pub fn text(&self, name: &str, text: Text) -> Result<Option<&'n str>, FieldFault> {
        match self.get(name) {
            None => Ok(None),
            Some(Node::Text(value)) if value.is_empty() => Ok(None),
            Some(Node::Text(value)) if value.len() > text.most => Err(self.fault(name, Why::TooLong)),
            Some(Node::Text(value)) if !value.chars().all(text.of) => Err(self.fault(name, Why::Value)),
            Some(Node::Text(value)) => Ok(Some(value)),
            Some(_) => Err(self.fault(name, Why::Type)),
        }
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// As [`text`](Self::text), and [`Why::Missing`], [`Why::Empty`].
    pub fn needed(&self, name: &str, text: Text) -> Result<&'n str, FieldFault> {
        let why = if self.get(name).is_none() { Why::Missing } else { Why::Empty };
        self.text(name, text)?.ok_or_else(|| self.fault(name, why))
    }

    /// A text, or a number as it is written: some libraries send months as numbers.
    ///
    /// # Errors
    /// As [`text`](Self::text).
    pub fn text_or_number(&self, name: &str, text: Text) -> Result<Option<String>, FieldFault> {
        match self.get(name) {
            Some(Node::Number(number)) => {
                let written = number.to_string();
                if written.len() > text.most || !written.chars().all(text.of) {
                    return Err(self.fault(name, Why::Value));
                }
                Ok(Some(written))
            }
            _ => Ok(self.text(name, text)?.map(str::to_owned)),
        }
    }

    /// A yes or no: `true` and `false`, also as texts in any case, and 1 and 0.
    ///
    /// # Errors
    /// [`Why::Type`], [`Why::Value`].
    pub fn flag(&self, name: &str) -> Result<Option<bool>, FieldFault> {
        let said = match self.get(name) {
            None => return Ok(None),
            Some(Node::Bool(value)) => return Ok(Some(*value)),
            Some(Node::Number(number)) => number.to_string(),
            Some(Node::Text(value)) if value.is_empty() => return Ok(None),
            Some(Node::Text(value)) if value.len() <= 5 => value.to_ascii_lowercase(),
            Some(Node::Text(_)) => return Err(self.fault(name, Why::Value)),
            Some(_) => return Err(self.fault(name, Why::Type)),
        };
        match said.as_str() {
            "true" | "1" => Ok(Some(true)),
            "false" | "0" => Ok(Some(false)),
            _ => Err(self.fault(name, Why::Value)),
        }
    }

    /// A whole number that is not negative.
    ///
    /// # Errors
    /// [`Why::Type`], [`Why::Value`].
    pub fn whole(&self, name: &str) -> Result<Option<u64>, FieldFault> {
        match self.get(name) {
            None => Ok(None),
            Some(Node::Number(number)) => {
                number.as_u64().ok_or_else(|| self.fault(name, Why::Value)).map(Some)
            }
            Some(Node::Text(value)) if value.is_empty() => Ok(None),
            Some(Node::Text(value)) if value.len() <= 18 && value.bytes().all(|c| c.is_ascii_digit()) => {
                value.parse().map(Some).map_err(|_| self.fault(name, Why::Value))
            }
            Some(Node::Text(_)) => Err(self.fault(name, Why::Value)),
            Some(_) => Err(self.fault(name, Why::Type)),
        }
    }

    /// An amount with at most two decimals, in hundredths; more than nothing.
    ///
    /// # Errors
    /// [`Why::Type`], [`Why::Value`].
    pub fn decimal(&self, name: &str) -> Result<Option<u64>, FieldFault> {
        let written = match self.get(name) {
            None => return Ok(None),
            Some(Node::Number(number)) => number.to_string(),
            Some(Node::Text(value)) if value.is_empty() => return Ok(None),
            Some(Node::Text(value)) => value.to_string(),
            Some(_) => return Err(self.fault(name, Why::Type)),
        };
        let hundredths = hundredths(&written).filter(|amount| *amount > 0);
        hundredths.map(Some).ok_or_else(|| self.fault(name, Why::Value))
    }
}

/// `12`, `12.3` and `12.34`, in hundredths, up to twelve digits before the point.
fn hundredths(written: &str) -> Option<u64> {
    let (whole, part) = written.split_once('.').unwrap_or((written, "0"));
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit())
    };
    if !digits(whole, 12) || !digits(part, 2) {
        return None;
    }
    let part: u64 = if part.len() == 1 { part.parse::<u64>().ok()? * 10 } else { part.parse().ok()? };
    whole.parse::<u64>().ok()?.checked_mul(100)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::body::json;

    #[test]
    fn each_fault_of_a_field_has_its_name() {
        let body = json(br#"{"a":"x","b":"","c":7,"d":{"e":"\u0000"},"f":"12345"}"#).unwrap();
        let fields = Fields::of(&body);
        let why = |name: &str, text| fields.needed(name, text).unwrap_err().why;
        assert_eq!(fields.needed("a", Text::ID).unwrap(), "x");
        assert_eq!(why("z", Text::ID), Why::Missing);
        assert_eq!(why("b", Text::ID), Why::Empty);
        assert_eq!(why("c", Text::ID), Why::Type);
        assert_eq!(why("f", Text::ID.up_to(4)), Why::TooLong);
        assert_eq!(why("a", Text::DIGITS), Why::Value);
        let inner = fields.object("d").unwrap();
        assert_eq!(
            inner.text("e", Text::LINE).unwrap_err(),
            FieldFault { path: "d.e".into(), why: Why::Value }
        );
        assert_eq!(fields.object("a").unwrap_err().why, Why::Type);
        assert!(!fields.object("none").unwrap().is_there());
    }

    #[test]
    fn amounts_have_at_most_two_decimals() {
        for (text, value) in
            [("12", 1200), ("0.5", 50), ("100.50", 10_050), ("999999999999.99", 99_999_999_999_999)]
        {
            assert_eq!(hundredths(text), Some(value), "{text}");
        }
        for text in ["", ".", "1.", ".5", "1.234", "-1", "+1", "1e3", "1 ", "1000000000000", "0x1", "1,5"] {
            assert_eq!(hundredths(text), None, "{text}");
        }
        let body = json(br#"{"a":100.5,"b":"100.50","c":0,"d":1e3}"#).unwrap();
        let fields = Fields::of(&body);
        assert_eq!(fields.decimal("a").unwrap(), Some(10_050));
        assert_eq!(fields.decimal("b").unwrap(), Some(10_050));
        assert_eq!(fields.decimal("c").unwrap_err().why, Why::Value);
        assert_eq!(fields.decimal("d").unwrap(), Some(100_000));
    }

    #[test]
    fn a_flag_is_said_in_several_ways() {
        let body = json(br#"{"a":true,"b":"False","c":1,"d":"","e":2,"f":[],"g":"perhaps"}"#).unwrap();
        let fields = Fields::of(&body);
        let read: Vec<_> = "abcdefg".chars().map(|name| fields.flag(&name.to_string()).ok()).collect();
        assert_eq!(
            read,
            [Some(Some(true)), Some(Some(false)), Some(Some(true)), Some(None), None, None, None]
        );
    }
}
