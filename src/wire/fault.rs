//! What is wrong with a frame or message.

use thiserror::Error;

use super::Status;
use super::cbor::{self, Value};

/// Why a frame or message was refused: a status, and the CBOR key of the field
/// concerned if there is one. It never carries content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{status}{}", .field.map_or(String::new(), |field| format!(" (field {field})")))]
pub struct Fault {
    /// The status it is answered with.
    pub status: Status,
    /// The field's key.
    pub field: Option<u64>,
}

impl Fault {
    /// A fault of one field.
    #[must_use]
    pub const fn of_field(status: Status, field: u64) -> Self {
        Self { status, field: Some(field) }
    }

    /// Appends the body of the reply that tells it: a map that names the field,
    /// or nothing.
    pub fn encode(&self, out: &mut Vec<u8>) {
        if let Some(field) = self.field {
            cbor::write(out, &[(1, Some(Value::Uint(field)))]);
        }
    }

    /// Reads the body of a reply of `status`; one that cannot be read names no field.
    #[must_use]
    pub fn decode(status: Status, body: &[u8]) -> Self {
        let field = cbor::read(body).ok().and_then(|mut fields| fields.optional_uint(1).ok().flatten());
        Self { status, field }
    }
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        Self { status, field: None }
    }
}
