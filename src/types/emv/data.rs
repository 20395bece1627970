//! A transaction's EMV data.

use std::fmt;

use super::tlv::next;
use super::{Arqc, Atc, EmvDataError, MAX_DATA, MAX_OBJECTS, Psn, Tag};
use crate::types::UnpredictableNumber;

/// The longest value, in bytes.
const LONGEST: usize = 32;

/// A transaction's EMV data: for each [`Tag`] a value of its exact length, or none.
#[derive(Clone, PartialEq, Eq)]
pub struct EmvData {
    values: [Value; Tag::ALL.len()],
}

/// A value; none has no bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Value {
    bytes: [u8; LONGEST],
    len: u8,
}

impl EmvData {
    /// No data yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { values: [Value { bytes: [0; LONGEST], len: 0 }; Tag::ALL.len()] }
    }

    /// Reads BER-TLV, such as field 55 of ISO 8583. A terminal sends more than a
    /// cryptogram covers, so other tags are passed over, templates with all that is
    /// in them; but none may be there twice.
    ///
    /// # Errors
    /// [`EmvDataError`] names the first rule broken.
    pub fn parse(ber: &[u8]) -> Result<Self, EmvDataError> {
        if ber.len() > MAX_DATA {
            return Err(EmvDataError::TooMuch);
        }
        let (mut data, mut rest) = (Self::new(), ber);
        let (mut seen, mut count) = ([0; MAX_OBJECTS], 0);
        while let Some(((number, value), behind)) = next(rest)? {
            if seen.iter().take(count).any(|other| *other == number) {
                return Err(EmvDataError::Twice(number));
            }
            *seen.get_mut(count).ok_or(EmvDataError::TooMuch)? = number;
            count += 1;
            if let Some(tag) = Tag::from_number(number) {
                data.set(tag, value)?;
            }
            rest = behind;
        }
        Ok(data)
    }

    /// Adds an element.
    ///
    /// # Errors
    /// [`EmvDataError::Length`] if its value has another length, then
    /// [`EmvDataError::Twice`] if it is there already; [`EmvDataError::PanSequence`].
    pub fn set(&mut self, tag: Tag, value: &[u8]) -> Result<(), EmvDataError> {
        let refused = EmvDataError::Length(tag);
        let len = u8::try_from(value.len()).map_err(|_| refused)?;
        if !tag.lengths().contains(&value.len()) {
            return Err(refused);
        }
        if self.get(tag).is_some() {
            return Err(EmvDataError::Twice(tag.number()));
        }
        if let (Tag::PanSequence, [byte]) = (tag, value) {
            Psn::from_bcd(*byte).map_err(|_| EmvDataError::PanSequence)?;
        }
        let place = self.values.get_mut(index(tag)).ok_or(refused)?;
        place.bytes.get_mut(..value.len()).ok_or(refused)?.copy_from_slice(value);
        place.len = len;
        Ok(())
    }

    /// The value of an element that is there.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&[u8]> {
        let value = self.values.get(index(tag))?;
        value.bytes.get(..usize::from(value.len)).filter(|bytes| !bytes.is_empty())
    }

    /// 9F36.
    #[must_use]
    pub fn atc(&self) -> Option<Atc> {
        let bytes = self.get(Tag::TransactionCounter)?.try_into().ok()?;
        Some(Atc::new(u16::from_be_bytes(bytes)))
    }

    /// 9F37.
    #[must_use]
    pub fn unpredictable(&self) -> Option<UnpredictableNumber> {
        Some(UnpredictableNumber(self.get(Tag::UnpredictableNumber)?.try_into().ok()?))
    }

    /// 9F26.
    #[must_use]
    pub fn cryptogram(&self) -> Option<Arqc> {
        Some(Arqc::from_bytes(self.get(Tag::Cryptogram)?.try_into().ok()?))
    }

    /// 5F34.
    #[must_use]
    pub fn pan_sequence(&self) -> Option<Psn> {
        self.get(Tag::PanSequence)?.first().and_then(|byte| Psn::from_bcd(*byte).ok())
    }

    /// All that is there as BER-TLV, in the order of [`Tag::ALL`].
    #[must_use]
    pub fn to_ber(&self) -> Vec<u8> {
        let mut ber = Vec::new();
        for tag in Tag::ALL {
            let Some(value) = self.get(tag) else { continue };
            let [high, low] = tag.number().to_be_bytes();
            if high > 0 {
                ber.push(high);
            }
            ber.push(low);
            // No value is longer than one byte can say.
            ber.push(u8::try_from(value.len()).unwrap_or(0));
            ber.extend_from_slice(value);
        }
        ber
    }
}

/// Where a tag's value stands.
fn index(tag: Tag) -> usize {
    Tag::ALL.iter().position(|other| *other == tag).unwrap_or(Tag::ALL.len())
}

impl Default for EmvData {
    fn default() -> Self {
        Self::new()
    }
}

/// Tags, not values.
impl fmt::Debug for EmvData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(Tag::ALL.into_iter().filter(|tag| self.get(*tag).is_some())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(ber: &[u8]) -> Result<EmvData, EmvDataError> {
        EmvData::parse(ber)
    }

    #[test]
    fn every_element_comes_back_at_its_exact_length() {
        let mut data = EmvData::new();
        for tag in Tag::ALL {
            let lengths = tag.lengths();
            for length in (0..40).filter(|length| !lengths.contains(length)) {
                assert_eq!(data.set(tag, &vec![1; length]), Err(EmvDataError::Length(tag)));
            }
            data.set(tag, &vec![0x21; *lengths.end()]).unwrap();
            assert_eq!(data.set(tag, &vec![1; *lengths.end()]), Err(EmvDataError::Twice(tag.number())));
            assert_eq!(Tag::from_number(tag.number()), Some(tag));
        }
        assert_eq!(parsed(&data.to_ber()).unwrap(), data);
        assert_eq!(data.atc(), Some(Atc::new(0x2121)));
        assert_eq!(data.unpredictable(), Some(UnpredictableNumber([0x21; 4])));
        assert_eq!(data.cryptogram(), Some(Arqc::from_bytes([0x21; 8])));
        assert_eq!(data.pan_sequence().unwrap().get(), 21);
    }

    #[test]
    fn other_tags_and_zeros_between_are_passed_over() {
        // 9F33, a template 70 with 9C in it, a length of two bytes.
        let ber =
            b"\0\0\x9f\x33\x03\xe0\xf8\xc8\x9c\x01\x20\0\x70\x03\x9c\x01\x00\x9f\x36\x82\x00\x02\x01\x02";
        let data = parsed(ber).unwrap();
        assert_eq!(data.get(Tag::TransactionType), Some(&[0x20][..]));
        assert_eq!(data.atc(), Some(Atc::new(0x0102)));
        assert_eq!(data.get(Tag::Date), None);
    }

    #[test]
    fn a_tag_twice_is_refused_whether_it_is_known_or_not() {
        assert_eq!(parsed(b"\x9c\x01\x20\x9c\x01\x20"), Err(EmvDataError::Twice(0x9c)));
        assert_eq!(parsed(b"\x84\x01\x20\x84\x01\x21"), Err(EmvDataError::Twice(0x84)));
    }

    #[test]
    fn other_forms_are_refused() {
        for ber in [
            &b"\x9c"[..],
            b"\x9c\x01",
            b"\x9c\x80\x20\0\0",
            b"\x9c\x83\0\0\x01\x20",
            b"\x9f",
            b"\x9f\x81\x01\x01\x20",
            b"\x9c\x81",
        ] {
            assert_eq!(parsed(ber), Err(EmvDataError::Form), "{ber:x?}");
        }
        assert_eq!(parsed(b"\x9c\x02\x20\x20"), Err(EmvDataError::Length(Tag::TransactionType)));
        assert_eq!(parsed(b"\x5f\x34\x01\x1a"), Err(EmvDataError::PanSequence));
        assert_eq!(parsed(&[0; MAX_DATA]), Ok(EmvData::new()));
        assert_eq!(parsed(&[0; MAX_DATA + 1]), Err(EmvDataError::TooMuch));
        let many = |count: u8| (0..count).flat_map(|n| [0xdf, n, 0]).collect::<Vec<u8>>();
        assert_eq!(parsed(&many(64)), Ok(EmvData::new()));
        assert_eq!(parsed(&many(65)), Err(EmvDataError::TooMuch));
    }

    #[test]
    fn no_value_is_shown() {
        let mut data = EmvData::new();
        data.set(Tag::Cryptogram, &[0xab; 8]).unwrap();
        assert_eq!(format!("{data:?}"), "[Cryptogram]");
    }
}
