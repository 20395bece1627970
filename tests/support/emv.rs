//! The EMV data of one transaction, which is the same for all.

use tallystick::types::emv::{EmvData, Tag};

/// The elements of EMV Book 2, section 8.1.1; to issue, without the counter.
pub fn transaction(atc: Option<u16>) -> EmvData {
    let mut data = EmvData::new();
    for (tag, value) in [
        (Tag::AmountAuthorised, &[0, 0, 0, 4, 0x99, 0][..]),
        (Tag::AmountOther, &[0; 6]),
        (Tag::TerminalCountry, &[3, 0x56]),
        (Tag::VerificationResults, &[0; 5]),
        (Tag::Currency, &[3, 0x56]),
        (Tag::Date, &[0x26, 0x11, 0x21]),
        (Tag::TransactionType, &[0]),
        (Tag::UnpredictableNumber, &[0x1a, 0x2b, 0x3c, 0x4d]),
        (Tag::InterchangeProfile, &[0x19, 0x80]),
    ] {
        data.set(tag, value).unwrap();
    }
    if let Some(atc) = atc {
        data.set(Tag::TransactionCounter, &atc.to_be_bytes()).unwrap();
    }
    data
}
