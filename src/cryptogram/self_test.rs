//! The start-up self-test of the profiles: one card's known answers, and
//! each again with a bit flipped.

use super::card_value::card_value;
use super::emv;
use super::native::{Covered, Deriver, TokenKey};
use crate::crypto::{CryptoError, LoadedKey, SelfTestError, Tdes};
use crate::secmem::Region;
use crate::types::emv::{Arqc, EmvData, Psn};
use crate::types::{
    Amount, Atc, Binding, CardValueKind, Channel, Cryptogram, CryptogramHeader, Currency, DateOrder, Expiry,
    KeyVersion, Merchant, Pan, TimeSlot, TokenNumber, Transaction, Trid, UnpredictableNumber,
};

/// Known answers computed with the Python standard library.
const DERIVATION_KEY: [u8; 32] = [
    0xe7, 0x04, 0x5e, 0x64, 0x6e, 0x6d, 0x53, 0x01, 0xb9, 0x0c, 0x77, 0x17, 0x48, 0x55, 0x3a, 0x79, 0xd1,
    0x4a, 0x6a, 0xb1, 0x1a, 0x24, 0xbf, 0x91, 0x9c, 0x18, 0x6e, 0xf1, 0x0e, 0x29, 0x17, 0x2c,
];
const TOKEN_KEY: [u8; 32] = [
    0xd0, 0x78, 0x0b, 0x68, 0xaf, 0xdf, 0xa8, 0x6a, 0x99, 0xd3, 0xa1, 0x04, 0x93, 0xf9, 0xfe, 0xf8, 0x3b,
    0x19, 0xb8, 0xe6, 0x52, 0x07, 0xa9, 0x5e, 0x0b, 0x31, 0xb2, 0xbe, 0x86, 0xe9, 0xde, 0x64,
];
const CRYPTOGRAM: [u8; 20] = [
    0x17, 0x8d, 0x8c, 0xeb, 0xa5, 0x23, 0xf3, 0x05, 0xc0, 0x0f, 0x66, 0xf6, 0x1f, 0x58, 0x31, 0x5f, 0x17,
    0x85, 0x63, 0x80,
];
const SHORT_VALUE: &[u8] = b"0974";

/// Derives, issues and verifies one known cryptogram and its short value.
///
/// # Errors
/// [`SelfTestError`] names what failed.
pub fn self_test(region: &Region) -> Result<(), SelfTestError> {
    check("token key", derives(region).is_ok_and(|passed| passed))?;
    check("cryptogram", issues_and_verifies() == Some(true))?;
    check("dynamic token verification value", makes_short_value() == Some(true))?;
    check("EMV cryptogram", makes_arqc() == Some(true))?;
    check("card verification value", makes_card_value() == Some(true))
}

fn check(name: &'static str, passed: bool) -> Result<(), SelfTestError> {
    if passed { Ok(()) } else { Err(SelfTestError(name)) }
}

fn derives(region: &Region) -> Result<bool, CryptoError> {
    let key = LoadedKey::from_bytes(region, &DERIVATION_KEY)?;
    let deriver = Deriver::new(&key);
    let derive = |digits: &[u8]| TokenNumber::parse(digits).map(|token| *deriver.derive(token).as_bytes());
    Ok(derive(b"6940001237311418") == Ok(TOKEN_KEY) && derive(b"6940001237311419") != Ok(TOKEN_KEY))
}

fn issues_and_verifies() -> Option<bool> {
    let key = TokenKey::from_bytes(&TOKEN_KEY);
    let (header, covered) = (header()?, covered()?);
    let cryptogram = key.cryptogram(&header, &covered).ok()?;
    let mut flipped = CRYPTOGRAM;
    let [.., last] = &mut flipped;
    *last ^= 1;
    let flipped = Cryptogram::from_slice(&flipped).ok()?;
    Some(
        cryptogram.as_bytes() == &CRYPTOGRAM
            && cryptogram.header() == Ok(header)
            && key.matches(&cryptogram, &header, &covered)
            && !key.matches(&flipped, &header, &covered),
    )
}

fn makes_short_value() -> Option<bool> {
    let key = TokenKey::from_bytes(&TOKEN_KEY);
    let value = |covered: &Covered<'_>| key.short_value(&header()?, covered, 4).ok();
    let mut other = covered()?;
    other.transaction.unpredictable = Some(UnpredictableNumber([0; 4]));
    Some(value(&covered()?)?.as_bytes() == SHORT_VALUE && value(&other)?.as_bytes() != SHORT_VALUE)
}

/// Of keys and numbers that are in no use; known answers of `pyemv` and `psec`.
const DES_KEY: [u8; 16] = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10";
const EMV_DATA: &[u8] = b"\x9f\x02\x06\0\0\0\x01\x23\x45\x9f\x03\x06\0\0\0\0\0\0\x9f\x1a\x02\x03\x56\x95\x05\x80\0\x04\x80\0\
    \x5f\x2a\x02\x03\x56\x9a\x03\x26\x11\x21\x9c\x01\0\x9f\x37\x04\xde\xad\xbe\xef\x82\x02\x18\0\x9f\x36\x02\x01\x07\
    \x9f\x10\x07\x06\x01\x12\x03\xa0\xb8\0";
const ARQC: [u8; 8] = *b"\x71\x0e\x1c\x2c\x6e\xa3\x97\x1a";

fn makes_arqc() -> Option<bool> {
    let (key, pan) = (Tdes::new(&DES_KEY).ok()?, Pan::parse(b"4111111111111111").ok()?);
    let card = emv::Card { pan: &pan, psn: Psn::parse(b"01").ok()? };
    let data = EmvData::parse(EMV_DATA).ok()?;
    let input = emv::Input::Tags { data: &data, results: None, counters: None };
    let verify = |arqc| {
        let method = emv::Method::Profile(emv::Profile::VisaCvn18);
        method.verify(emv::IssuerMaster::Tdes(&key), card, &input, &Arqc::from_bytes(arqc)).ok()
    };
    let mut flipped = ARQC;
    let [.., last] = &mut flipped;
    *last ^= 1;
    Some(verify(ARQC)? && !verify(flipped)?)
}

fn makes_card_value() -> Option<bool> {
    let (key, pan) = (Tdes::new(&DES_KEY).ok()?, Pan::parse(b"4123456789012349").ok()?);
    let value = |expiry, code| {
        let (expiry, kind) = (Expiry::parse(expiry).ok()?, CardValueKind::of_service_code(code).ok()?);
        card_value(&key, &pan, expiry, DateOrder::YearMonth, kind).ok()
    };
    Some(value(b"8701", b"101")?.as_bytes() == b"766" && value(b"8702", b"101")?.as_bytes() != b"766")
}

fn header() -> Option<CryptogramHeader> {
    Some(CryptogramHeader {
        binding: Binding::from_bits(7).ok()?,
        key_version: KeyVersion::new(141).ok()?,
        atc: Atc::new(2364253475)?,
        slot: TimeSlot::new(62213),
    })
}

fn covered() -> Option<Covered<'static>> {
    Some(Covered {
        trid: Trid::parse(b"93435409782").ok()?,
        expiry: Expiry::parse(b"3607").ok()?,
        transaction: Transaction {
            amount: Some((Amount::from_minor_units(617046169402), Currency::from_code(840).ok()?)),
            merchant: Merchant::parse(b"m_8ae2c0570ee4").ok(),
            unpredictable: Some(UnpredictableNumber([0x98, 0xdb, 0xd0, 0xd6])),
            merchant_initiated: false,
            channel: Channel::Online,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_here() {
        assert_eq!(self_test(&Region::new(3).unwrap()), Ok(()));
    }
}
