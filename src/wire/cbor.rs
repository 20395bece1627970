//! CBOR maps with integer keys (RFC 8949), read strictly: definite lengths, no
//! unknown or repeated key, nothing behind the map, bounded depth and size.

use minicbor::data::Type;
use minicbor::{Decoder, Encoder};

use super::{Fault, Status};

/// Deepest nesting of lists and maps.
const DEPTH: usize = 4;
/// Most items of one list or map.
const ITEMS: u64 = 256;

/// A value, borrowed from the body.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'b> {
    Uint(u64),
    Bool(bool),
    Text(&'b str),
    Bytes(&'b [u8]),
    List(Vec<Self>),
    Map(Vec<(u64, Self)>),
}

/// The fields of a map, taken out one by one.
#[derive(Debug)]
pub(super) struct Fields<'b>(Vec<(u64, Value<'b>)>);

/// Reads a body that is one map.
pub(super) fn read(body: &[u8]) -> Result<Fields<'_>, Fault> {
    let mut decoder = Decoder::new(body);
    let value = value(&mut decoder, DEPTH)?;
    if decoder.position() != body.len() {
        return Err(Status::BodyTrailing.into());
    }
    match value {
        Value::Map(fields) => Ok(Fields(fields)),
        _ => Err(Status::BodyMalformed.into()),
    }
}

impl<'b> Fields<'b> {
    /// Takes a field out, if it is there.
    fn take(&mut self, key: u64) -> Option<Value<'b>> {
        let at = self.0.iter().position(|(known, _)| *known == key)?;
        Some(self.0.swap_remove(at).1)
    }

    /// A text field.
    pub fn text(&mut self, key: u64) -> Result<&'b str, Fault> {
        self.optional_text(key)?.ok_or(Fault::of_field(Status::FieldMissing, key))
    }

    /// A text field that may be missing.
    pub fn optional_text(&mut self, key: u64) -> Result<Option<&'b str>, Fault> {
        self.optional(key, |value| if let Value::Text(text) = value { Some(text) } else { None })
    }

    /// A number.
    pub fn uint(&mut self, key: u64) -> Result<u64, Fault> {
        self.optional_uint(key)?.ok_or(Fault::of_field(Status::FieldMissing, key))
    }

    /// A number that may be missing.
    pub fn optional_uint(&mut self, key: u64) -> Result<Option<u64>, Fault> {
        self.optional(key, |value| if let Value::Uint(number) = value { Some(number) } else { None })
    }

    /// A truth value that may be missing.
    pub fn optional_bool(&mut self, key: u64) -> Result<Option<bool>, Fault> {
        self.optional(key, |value| if let Value::Bool(truth) = value { Some(truth) } else { None })
    }

    /// A byte string that may be missing.
    pub fn optional_bytes(&mut self, key: u64) -> Result<Option<&'b [u8]>, Fault> {
        self.optional(key, |value| if let Value::Bytes(bytes) = value { Some(bytes) } else { None })
    }

    /// A list that may be missing.
    pub fn optional_list(&mut self, key: u64) -> Result<Option<Vec<Value<'b>>>, Fault> {
        self.optional(key, |value| if let Value::List(list) = value { Some(list) } else { None })
    }

    /// Refuses what was not taken.
    pub fn finish(self) -> Result<(), Fault> {
        match self.0.first() {
            None => Ok(()),
            Some((key, _)) => Err(Fault::of_field(Status::FieldUnknown, *key)),
        }
    }

    fn optional<T>(&mut self, key: u64, of: impl FnOnce(Value<'b>) -> Option<T>) -> Result<Option<T>, Fault> {
        let Some(value) = self.take(key) else { return Ok(None) };
        of(value).map(Some).ok_or(Fault::of_field(Status::BodyMalformed, key))
    }
}

fn value<'b>(decoder: &mut Decoder<'b>, depth: usize) -> Result<Value<'b>, Fault> {
    let kind = decoder.datatype().map_err(told)?;
    match kind {
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => decoder.u64().map(Value::Uint).map_err(told),
        Type::Bool => decoder.bool().map(Value::Bool).map_err(told),
        Type::String => decoder.str().map(Value::Text).map_err(told),
        Type::Bytes => decoder.bytes().map(Value::Bytes).map_err(told),
        Type::Array if depth > 0 => {
            let count = counted(decoder.array())?;
            (0..count).map(|_| value(decoder, depth - 1)).collect::<Result<_, _>>().map(Value::List)
        }
        Type::Map if depth > 0 => map(decoder, depth - 1).map(Value::Map),
        _ => Err(Status::BodyMalformed.into()),
    }
}

fn map<'b>(decoder: &mut Decoder<'b>, depth: usize) -> Result<Vec<(u64, Value<'b>)>, Fault> {
    let count = counted(decoder.map())?;
    let mut fields: Vec<(u64, Value<'b>)> = Vec::new();
    for _ in 0..count {
        let key = decoder.u64().map_err(told)?;
        if fields.iter().any(|(known, _)| *known == key) {
            return Err(Fault::of_field(Status::FieldRepeated, key));
        }
        fields.push((key, value(decoder, depth)?));
    }
    Ok(fields)
}

fn counted(count: Result<Option<u64>, minicbor::decode::Error>) -> Result<u64, Fault> {
    match count.map_err(told)? {
        Some(count) if count <= ITEMS => Ok(count),
        _ => Err(Status::BodyMalformed.into()),
    }
}

fn told(error: minicbor::decode::Error) -> Fault {
    // The error's own text may quote the body, so none of it is passed on.
    if error.is_end_of_input() { Status::BodyTruncated.into() } else { Status::BodyMalformed.into() }
}

/// Writes a map whose fields are known beforehand; absent ones are left out.
pub(super) fn write(out: &mut Vec<u8>, fields: &[(u64, Option<Value<'_>>)]) {
    let mut encoder = Encoder::new(out);
    // Writing to memory cannot fail.
    let _ = write_map(&mut encoder, fields.iter().filter_map(|(key, value)| Some((*key, value.as_ref()?))));
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn write_map<'v>(
    encoder: &mut Encoder<&mut Vec<u8>>,
    fields: impl Iterator<Item = (u64, &'v Value<'v>)> + Clone,
) -> Written {
    encoder.map(length(fields.clone().count()))?;
    for (key, value) in fields {
        encoder.u64(key)?;
        write_value(encoder, value)?;
    }
    Ok(())
}

fn write_value(encoder: &mut Encoder<&mut Vec<u8>>, value: &Value<'_>) -> Written {
    match value {
        Value::Uint(number) => encoder.u64(*number)?.ok(),
        Value::Bool(truth) => encoder.bool(*truth)?.ok(),
        Value::Text(text) => encoder.str(text)?.ok(),
        Value::Bytes(bytes) => encoder.bytes(bytes)?.ok(),
        Value::List(list) => {
            encoder.array(length(list.len()))?;
            list.iter().try_for_each(|value| write_value(encoder, value))
        }
        Value::Map(map) => write_map(encoder, map.iter().map(|(key, value)| (*key, value))),
    }
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_looseness_has_its_status() {
        let status = |bytes: &[u8]| read(bytes).err().map(|fault| fault.status);
        assert_eq!(status(&[0xa1, 1, 2]), None);
        assert_eq!(status(&[0xa1, 1, 2, 0]), Some(Status::BodyTrailing));
        assert_eq!(status(&[0xa1, 1]), Some(Status::BodyTruncated));
        assert_eq!(status(&[]), Some(Status::BodyTruncated));
        assert_eq!(status(&[0xa2, 1, 2, 1, 2]), Some(Status::FieldRepeated));
        assert_eq!(status(&[0xbf, 1, 2, 0xff]), Some(Status::BodyMalformed));
        assert_eq!(status(&[0xa1, 1, 0x81, 0x81, 0x81, 0x81, 0x80]), Some(Status::BodyMalformed));
        assert_eq!(status(&[0xa1, 1, 0x20]), Some(Status::BodyMalformed));
        assert_eq!(status(&[0xa1, 0x61, b'a', 2]), Some(Status::BodyMalformed));
        assert_eq!(status(&[0x01]), Some(Status::BodyMalformed));
        let mut fields = read(&[0xa2, 1, 2, 9, 3]).unwrap();
        assert_eq!(fields.uint(1), Ok(2));
        assert_eq!(fields.text(5), Err(Fault::of_field(Status::FieldMissing, 5)));
        assert_eq!(fields.finish(), Err(Fault::of_field(Status::FieldUnknown, 9)));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
