//! EMV data.

use crate::types::emv::{EmvData, Tag};

/// EMV data as field 55 of ISO 8583 has it: what is accepted comes back from its own
/// writing, and every value has a length that its tag allows.
pub fn emv(data: &[u8]) {
    let Ok(parsed) = EmvData::parse(data) else { return };
    for tag in Tag::ALL {
        let length = parsed.get(tag).map(<[u8]>::len);
        assert!(length.is_none_or(|length| tag.lengths().contains(&length)), "a value of another length");
    }
    assert!(parsed.get(Tag::PanSequence).is_some() == parsed.pan_sequence().is_some(), "half a number");
    assert!(EmvData::parse(&parsed.to_ber()).as_ref() == Ok(&parsed), "written, it reads otherwise");
}
