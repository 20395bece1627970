//! What is wrong with a frame or message.

use std::fmt;

use thiserror::Error;

use super::Status;
use super::cbor::{self, Key, Value};

/// The text of a refusal.
const TEXT: Key = Key::new(1, "text");

/// Why a frame or message was refused: a status, and the name of the field
/// concerned if there is one. It never carries content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub struct Fault {
    /// The status it is answered with.
    pub status: Status,
    /// The field's name in `docs/WIRE.md`.
    pub field: Option<&'static str>,
}

impl Fault {
    /// A fault of one field.
    #[must_use]
    pub const fn of_field(status: Status, field: &'static str) -> Self {
        Self { status, field: Some(field) }
    }

    /// Appends the body of the reply that tells it: a map with a text that names
    /// the field, or nothing.
    pub fn encode(&self, out: &mut Vec<u8>) {
        if self.field.is_some() {
            let text = self.to_string();
            cbor::write(out, &[(TEXT, Some(Value::Text(&text)))]);
        }
    }

    /// Reads the text out of the body of a refusal. One that has none, or that
    /// cannot be read, says nothing more than its status.
    #[must_use]
    pub fn text(body: &[u8]) -> Option<&str> {
        cbor::read(body).ok()?.optional_text(TEXT).ok()?
    }
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        Self { status, field: None }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = self.field {
            write!(f, "{field}: ")?;
        }
        write!(f, "{}", self.status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_field_is_told_and_nothing_else_is() {
        let mut body = Vec::new();
        Fault::from(Status::FrameTooLarge).encode(&mut body);
        assert_eq!((body.as_slice(), Fault::text(&body)), (&[][..], None));
        Fault::of_field(Status::PanLuhn, "pan").encode(&mut body);
        assert_eq!(Fault::text(&body), Some("pan: the PAN fails the Luhn check"));
        assert_eq!(Fault::text(&body[1..]), None);
    }
}
