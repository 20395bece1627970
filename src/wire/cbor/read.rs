//! A body as a map of values that borrow from it.

use minicbor::Decoder;
use minicbor::data::Type;

use super::{Fields, Value};
use crate::wire::{Fault, Status};

/// Deepest nesting of lists and maps: a page holds tokens, which hold providers,
/// each a list.
const DEPTH: usize = 5;
/// Most items of one list or map.
const ITEMS: u64 = 2048;

/// Reads a body that is one map.
pub(in crate::wire) fn read(body: &[u8]) -> Result<Fields<'_>, Fault> {
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
            return Err(Status::FieldRepeated.into());
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

#[cfg(test)]
mod tests {
    use super::super::Key;
    use super::*;
    use proptest::prelude::*;

    fn fields(bytes: &[u8]) -> Fields<'_> {
        read(bytes).unwrap_or_else(|fault| panic!("{fault}"))
    }

    #[test]
    fn every_looseness_has_its_status() {
        let status = |bytes: &[u8]| read(bytes).err().map(|fault| fault.status);
        assert_eq!(status(&[0xa1, 1, 2]), None);
        assert_eq!(status(&[0xa1, 1, 2, 0]), Some(Status::BodyTrailing));
        assert_eq!(status(&[0xa1, 1]), Some(Status::BodyTruncated));
        assert_eq!(status(&[]), Some(Status::BodyTruncated));
        assert_eq!(status(&[0xa2, 1, 2, 1, 2]), Some(Status::FieldRepeated));
        assert_eq!(status(&[0xbf, 1, 2, 0xff]), Some(Status::BodyMalformed));
        assert_eq!(status(&[0xa1, 1, 0x81, 0x81, 0x81, 0x80]), None);
        assert_eq!(status(&[0xa1, 1, 0x81, 0x81, 0x81, 0x81, 0x80]), Some(Status::BodyMalformed));
        assert_eq!(status(&[&[0xa1, 1, 0x99, 8, 1][..], &[0; 2049]].concat()), Some(Status::BodyMalformed));
        assert_eq!(status(&[0xa1, 1, 0x62, 0xc3, 0x28]), Some(Status::BodyMalformed));
        assert_eq!(status(&[0xa1, 1, 0x20]), Some(Status::BodyMalformed));
        assert_eq!(status(&[0xa1, 0x61, b'a', 2]), Some(Status::BodyMalformed));
        assert_eq!(status(&[0x01]), Some(Status::BodyMalformed));
        let (one, five) = (Key::new(1, "one"), Key::new(5, "five"));
        assert_eq!(fields(&[0xa1, 1, 2]).text(one), Err(one.fault(Status::BodyMalformed)));
        let mut fields = fields(&[0xa2, 1, 2, 9, 3]);
        assert_eq!(fields.uint(one), Ok(2));
        assert_eq!(fields.text(five), Err(five.fault(Status::FieldMissing)));
        assert_eq!(fields.finish(), Err(Status::FieldUnknown.into()));
    }

    proptest! {
        #[test]
        fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
