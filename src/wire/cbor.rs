//! CBOR maps with integer keys (RFC 8949), read strictly: definite lengths, no
//! unknown or repeated key, nothing behind the map, bounded depth and size.
//!
//! Nothing here has a `Debug`: a value may be a PAN. For the same reason a fault
//! names a field by the name it has in the contract, never by a key that came in.

mod read;
mod write;

pub(super) use read::read;
pub(super) use write::{map_of, write};

use super::{Fault, Status};

/// The key of a field, and its name in the contract.
#[derive(Clone, Copy)]
pub(super) struct Key {
    number: u64,
    name: &'static str,
}

impl Key {
    pub const fn new(number: u64, name: &'static str) -> Self {
        Self { number, name }
    }

    /// A fault of this field.
    pub const fn fault(self, status: Status) -> Fault {
        Fault::of_field(status, self.name)
    }
}

/// A value, borrowed from the body. `Owned` is text too: it is written where
/// there is nothing to borrow from, and never read.
#[derive(Clone)]
pub(super) enum Value<'b> {
    Uint(u64),
    Bool(bool),
    Text(&'b str),
    Owned(String),
    Bytes(&'b [u8]),
    List(Vec<Self>),
    Map(Vec<(u64, Self)>),
}

/// A field to be written; absent ones are left out.
pub(super) type Field<'v> = (Key, Option<Value<'v>>);

/// The fields of a map, taken out one by one.
pub(super) struct Fields<'b>(Vec<(u64, Value<'b>)>);

impl<'b> Fields<'b> {
    /// The fields of a map inside another.
    pub fn of(value: Value<'b>) -> Option<Self> {
        if let Value::Map(fields) = value { Some(Self(fields)) } else { None }
    }

    /// A text field.
    pub fn text(&mut self, key: Key) -> Result<&'b str, Fault> {
        self.optional_text(key)?.ok_or(key.fault(Status::FieldMissing))
    }

    /// A text field that may be missing.
    pub fn optional_text(&mut self, key: Key) -> Result<Option<&'b str>, Fault> {
        self.optional(key, |value| if let Value::Text(text) = value { Some(text) } else { None })
    }

    /// A number.
    pub fn uint(&mut self, key: Key) -> Result<u64, Fault> {
        self.optional_uint(key)?.ok_or(key.fault(Status::FieldMissing))
    }

    /// A number that may be missing.
    pub fn optional_uint(&mut self, key: Key) -> Result<Option<u64>, Fault> {
        self.optional(key, |value| if let Value::Uint(number) = value { Some(number) } else { None })
    }

    /// A truth value that may be missing.
    pub fn optional_bool(&mut self, key: Key) -> Result<Option<bool>, Fault> {
        self.optional(key, |value| if let Value::Bool(truth) = value { Some(truth) } else { None })
    }

    /// A byte string that may be missing.
    pub fn optional_bytes(&mut self, key: Key) -> Result<Option<&'b [u8]>, Fault> {
        self.optional(key, |value| if let Value::Bytes(bytes) = value { Some(bytes) } else { None })
    }

    /// A list.
    pub fn list(&mut self, key: Key) -> Result<Vec<Value<'b>>, Fault> {
        self.optional_list(key)?.ok_or(key.fault(Status::FieldMissing))
    }

    /// A list that may be missing.
    pub fn optional_list(&mut self, key: Key) -> Result<Option<Vec<Value<'b>>>, Fault> {
        self.optional(key, |value| if let Value::List(list) = value { Some(list) } else { None })
    }

    /// Refuses what was not taken.
    pub fn finish(self) -> Result<(), Fault> {
        if self.0.is_empty() { Ok(()) } else { Err(Status::FieldUnknown.into()) }
    }

    fn optional<T>(&mut self, key: Key, of: impl FnOnce(Value<'b>) -> Option<T>) -> Result<Option<T>, Fault> {
        let Some(at) = self.0.iter().position(|(known, _)| *known == key.number) else { return Ok(None) };
        let (_, value) = self.0.swap_remove(at);
        of(value).map(Some).ok_or(key.fault(Status::BodyMalformed))
    }
}
