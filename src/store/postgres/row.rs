//! A row of an answer: columns in the binary form of the wire, read from left to right.

use postgres_protocol::message::backend::DataRowBody;

use super::super::StoreError;

const FORM: StoreError = StoreError::Corrupt("a stored value has another form");

/// A row.
pub(super) struct Row(DataRowBody);

impl Row {
    pub(super) const fn new(body: DataRowBody) -> Self {
        Self(body)
    }

    /// Its columns.
    pub(super) fn columns(&self) -> Columns<'_> {
        Columns(self.0.buffer())
    }
}

/// The columns that were not read yet.
pub(super) struct Columns<'a>(&'a [u8]);

impl<'a> Columns<'a> {
    /// The next column, if it is not null.
    fn next(&mut self) -> Result<Option<&'a [u8]>, StoreError> {
        let (length, rest) = self.0.split_first_chunk().ok_or(FORM)?;
        let length = i32::from_be_bytes(*length);
        if length == -1 {
            self.0 = rest;
            return Ok(None);
        }
        let length = usize::try_from(length).map_err(|_| FORM)?;
        let (column, rest) = rest.split_at_checked(length).ok_or(FORM)?;
        self.0 = rest;
        Ok(Some(column))
    }

    /// Bytes.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], StoreError> {
        self.next()?.ok_or(FORM)
    }

    /// 32 bytes.
    pub(super) fn mac(&mut self) -> Result<[u8; 32], StoreError> {
        self.bytes()?.try_into().map_err(|_| FORM)
    }

    /// A number that is not negative, of a column of any width.
    pub(super) fn number(&mut self) -> Result<u64, StoreError> {
        self.maybe_number()?.ok_or(FORM)
    }

    /// A number that is not negative, or null.
    pub(super) fn maybe_number(&mut self) -> Result<Option<u64>, StoreError> {
        let Some(number) = self.maybe_signed()? else { return Ok(None) };
        u64::try_from(number).map(Some).map_err(|_| FORM)
    }

    /// A number.
    pub(super) fn signed(&mut self) -> Result<i64, StoreError> {
        self.maybe_signed()?.ok_or(FORM)
    }

    fn maybe_signed(&mut self) -> Result<Option<i64>, StoreError> {
        let Some(column) = self.next()? else { return Ok(None) };
        let number = match *column {
            [a, b] => i64::from(i16::from_be_bytes([a, b])),
            [a, b, c, d] => i64::from(i32::from_be_bytes([a, b, c, d])),
            [a, b, c, d, e, f, g, h] => i64::from_be_bytes([a, b, c, d, e, f, g, h]),
            _ => return Err(FORM),
        };
        Ok(Some(number))
    }

    /// Text.
    pub(super) fn text(&mut self) -> Result<&'a str, StoreError> {
        str::from_utf8(self.bytes()?).map_err(|_| FORM)
    }
}
