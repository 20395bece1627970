//! Fields as a map.

use minicbor::Encoder;

use super::{Field, Value};
use crate::wire::buffer::append;

/// A map inside another.
pub(in crate::wire) fn map_of(fields: Vec<Field<'_>>) -> Value<'_> {
    Value::Map(fields.into_iter().filter_map(|(key, value)| Some((key.number, value?))).collect())
}

/// Writes a map whose fields are known beforehand.
pub(in crate::wire) fn write(out: &mut Vec<u8>, fields: &[Field<'_>]) {
    let mut encoder = Encoder::new(Sink(out));
    // Writing to memory cannot fail.
    let present = fields.iter().filter_map(|(key, value)| Some((key.number, value.as_ref()?)));
    let _ = write_map(&mut encoder, present);
}

/// Where CBOR is written to: a buffer that is wiped before it grows.
struct Sink<'o>(&'o mut Vec<u8>);

impl minicbor::encode::Write for Sink<'_> {
    type Error = std::convert::Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Self::Error> {
        append(self.0, bytes);
        Ok(())
    }
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn write_map<'v>(
    encoder: &mut Encoder<Sink<'_>>,
    fields: impl Iterator<Item = (u64, &'v Value<'v>)> + Clone,
) -> Written {
    encoder.map(length(fields.clone().count()))?;
    for (key, value) in fields {
        encoder.u64(key)?;
        write_value(encoder, value)?;
    }
    Ok(())
}

fn write_value(encoder: &mut Encoder<Sink<'_>>, value: &Value<'_>) -> Written {
    match value {
        Value::Uint(number) => encoder.u64(*number)?.ok(),
        Value::Bool(truth) => encoder.bool(*truth)?.ok(),
        Value::Text(text) => encoder.str(text)?.ok(),
        Value::Owned(text) => encoder.str(text)?.ok(),
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
