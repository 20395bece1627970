//! Parameters of statements, in the binary form of the wire.

use std::error::Error;

use bytes::BytesMut;
use postgres_protocol::types::{ArrayDimension, array_to_sql, bytea_to_sql, int8_to_sql, text_to_sql};
use postgres_protocol::{IsNull, Oid};

/// The types of parameters, by their numbers in `pg_type.dat`, which other databases share.
pub(super) mod oid {
    use super::Oid;

    pub(in super::super) const BYTEA: Oid = 17;
    pub(in super::super) const INT8: Oid = 20;
    pub(in super::super) const TEXT: Oid = 25;
    pub(in super::super) const BYTEAS: Oid = 1001;
    pub(in super::super) const INT8S: Oid = 1016;
}

/// A parameter.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value<'a> {
    Number(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Numbers(&'a [Option<i64>]),
    Blobs(&'a [&'a [u8]]),
}

type Written = Result<IsNull, Box<dyn Error + Sync + Send>>;

impl Value<'_> {
    /// Writes the value, without its length.
    pub(super) fn write(self, out: &mut BytesMut) -> Written {
        match self {
            Self::Number(number) => int8_to_sql(number, out),
            Self::Bytes(bytes) => bytea_to_sql(bytes, out),
            Self::Text(text) => text_to_sql(text, out),
            Self::Numbers(numbers) => {
                array_to_sql(dimension(numbers.len())?, oid::INT8, numbers, write_number, out)?;
            }
            Self::Blobs(blobs) => {
                array_to_sql(
                    dimension(blobs.len())?,
                    oid::BYTEA,
                    blobs,
                    |blob, out| {
                        bytea_to_sql(blob, out);
                        Ok(IsNull::No)
                    },
                    out,
                )?;
            }
        }
        Ok(IsNull::No)
    }
}

fn write_number(number: &Option<i64>, out: &mut BytesMut) -> Written {
    match number {
        Some(number) => {
            int8_to_sql(*number, out);
            Ok(IsNull::No)
        }
        None => Ok(IsNull::Yes),
    }
}

/// The one dimension of an array.
fn dimension(length: usize) -> Result<[ArrayDimension; 1], std::num::TryFromIntError> {
    Ok([ArrayDimension { len: i32::try_from(length)?, lower_bound: 1 }])
}

/// A number of 64 bits as the column holds it.
pub(super) fn number(value: u64) -> Result<Value<'static>, super::Fault> {
    let number =
        i64::try_from(value).map_err(|_| super::Fault::Refused("a number is too large to be stored"))?;
    Ok(Value::Number(number))
}
