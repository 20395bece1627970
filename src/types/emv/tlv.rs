//! BER-TLV as EMV has it (EMV Book 3, Annex B; ISO/IEC 8825-1).

use thiserror::Error;

use super::Tag;

/// The most bytes of EMV data that are read. Field 55 of ISO 8583 has 255 at most.
pub const MAX_DATA: usize = 1024;
/// The most data objects that are read.
pub const MAX_OBJECTS: usize = 64;

/// Why EMV data was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum EmvDataError {
    /// More than [`MAX_DATA`] bytes, or more than [`MAX_OBJECTS`] objects.
    #[error("there is more EMV data than is read")]
    TooMuch,
    /// A tag, length or value is cut off, or a tag or length has a form that EMV does
    /// not use.
    #[error("the EMV data is no sequence of tags, lengths and values")]
    Form,
    /// A tag is there twice.
    #[error("tag {0:X} is there twice")]
    Twice(u16),
    /// A value is not as long as its tag's are.
    #[error("the value of tag {:X} has another length", .0.number())]
    Length(Tag),
    /// The PAN sequence number is not two digits.
    #[error("the PAN sequence number is not two digits")]
    PanSequence,
}

/// A tag's number and the value.
type Object<'a> = (u16, &'a [u8]);

/// The first object of `bytes` and what is behind it; none at the end. Zeros between
/// objects mean nothing (Annex B1).
pub(super) fn next(bytes: &[u8]) -> Result<Option<(Object<'_>, &[u8])>, EmvDataError> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let Some((first, rest)) = bytes.get(start..).and_then(<[u8]>::split_first) else { return Ok(None) };
    let (number, rest) = tag(*first, rest).ok_or(EmvDataError::Form)?;
    let (length, rest) = length(rest).ok_or(EmvDataError::Form)?;
    let (value, rest) = rest.split_at_checked(length).ok_or(EmvDataError::Form)?;
    Ok(Some(((number, value), rest)))
}

/// One byte, or two if the first says so; EMV has no longer ones (Annex B1, table 35).
fn tag(first: u8, rest: &[u8]) -> Option<(u16, &[u8])> {
    if first & 0x1f != 0x1f {
        return Some((first.into(), rest));
    }
    let (second, rest) = rest.split_first()?;
    (second & 0x80 == 0).then_some((u16::from_be_bytes([first, *second]), rest))
}

/// One byte up to 127, else `81` and one or `82` and two (Annex B2).
fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [length @ 0..=0x7f, rest @ ..] => Some((usize::from(*length), rest)),
        [0x81, length, rest @ ..] => Some((usize::from(*length), rest)),
        [0x82, high, low, rest @ ..] => Some((usize::from(u16::from_be_bytes([*high, *low])), rest)),
        _ => None,
    }
}
