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

const DERIVATION_KEY: [u8; 32] = [
    0xe7, 0x04, 0x5e, 0x64, 0x6e, 0x6d, 0x53, 0x01, 0xb9, 0x0c, 0x77, 0x17, 0x48, 0x55, 0x3a, 0x79, 0xd1,
    0x4a, 0x6a, 0xb1, 0x1a, 0x24, 0xbf, 0x91, 0x9c, 0x18, 0x6e, 0xf1, 0x0e, 0x29, 0x17, 0x2c,
];
const TOKEN_KEY: [u8; 32] = [
    0xd0, 0x78, 0x0b, 0x68, 0xaf, 0xdf, 0xa8, 0x6a, 0x99, 0xd3, 0xa1, 0x04, 0x93, 0xf9, 0xfe, 0xf8, 0x3b,
    0x19, 0xb8, 0xe6, 0x52, 0x07, 0xa9, 0x5e, 0x0b, 0x31, 0xb2, 0xbe, 0x86, 0xe9, 0xde, 0x64,
];

/// What is to come out.
#[derive(Clone, Copy)]
struct Answers {
    token_key: [u8; 32],
    cryptogram: [u8; 20],
    short_value: [u8; 4],
    arqc: [u8; 8],
    card_value: [u8; 3],
}

/// Known answers computed with the Python standard library.
const KNOWN: Answers = Answers {
    token_key: TOKEN_KEY,
    cryptogram: [
        0x17, 0x8d, 0x8c, 0xeb, 0xa5, 0x23, 0xf3, 0x05, 0xc0, 0x0f, 0x66, 0xf6, 0x1f, 0x58, 0x31, 0x5f, 0x17,
        0x85, 0x63, 0x80,
    ],
    short_value: *b"0974",
    // Of `pyemv` and `psec`.
    arqc: *b"\x71\x0e\x1c\x2c\x6e\xa3\x97\x1a",
    card_value: *b"766",
};

/// Derives, issues and verifies one known cryptogram and its short value.
///
/// # Errors
/// [`SelfTestError`] names what failed.
pub fn self_test(region: &Region) -> Result<(), SelfTestError> {
    against(&KNOWN, region)
}

fn against(known: &Answers, region: &Region) -> Result<(), SelfTestError> {
    check("token key", derives(known, region).is_ok_and(|passed| passed))?;
    check("cryptogram", issues_and_verifies(known) == Some(true))?;
    check("dynamic token verification value", makes_short_value(known) == Some(true))?;
    check("EMV cryptogram", makes_arqc(known) == Some(true))?;
    check("card verification value", makes_card_value(known) == Some(true))
}

fn check(name: &'static str, passed: bool) -> Result<(), SelfTestError> {
    if passed { Ok(()) } else { Err(SelfTestError(name)) }
}

fn derives(known: &Answers, region: &Region) -> Result<bool, CryptoError> {
    let key = LoadedKey::from_bytes(region, &DERIVATION_KEY)?;
    let deriver = Deriver::new(&key);
    let derive = |digits: &[u8]| TokenNumber::parse(digits).map(|token| *deriver.derive(token).as_bytes());
    let right = derive(b"6940001237311418") == Ok(known.token_key);
    Ok(right && derive(b"6940001237311419") != Ok(known.token_key))
}

fn issues_and_verifies(known: &Answers) -> Option<bool> {
    let key = TokenKey::from_bytes(&TOKEN_KEY);
    let (header, covered) = (header()?, covered()?);
    let cryptogram = key.cryptogram(&header, &covered).ok()?;
    let mut flipped = known.cryptogram;
    let [.., last] = &mut flipped;
    *last ^= 1;
    let flipped = Cryptogram::from_slice(&flipped).ok()?;
    Some(
        cryptogram.as_bytes() == &known.cryptogram
            && cryptogram.header() == Ok(header)
            && key.matches(&cryptogram, &header, &covered)
            && !key.matches(&flipped, &header, &covered),
    )
}

fn makes_short_value(known: &Answers) -> Option<bool> {
    let key = TokenKey::from_bytes(&TOKEN_KEY);
    let value = |covered: &Covered<'_>| key.short_value(&header()?, covered, 4).ok();
    let mut other = covered()?;
    other.transaction.unpredictable = Some(UnpredictableNumber([0; 4]));
    let right = value(&covered()?)?.as_bytes() == known.short_value;
    Some(right && value(&other)?.as_bytes() != known.short_value)
}

/// Of keys and numbers that are in no use.
const DES_KEY: [u8; 16] = *b"\x01\x23\x45\x67\x89\xab\xcd\xef\xfe\xdc\xba\x98\x76\x54\x32\x10";
const EMV_DATA: &[u8] = b"\x9f\x02\x06\0\0\0\x01\x23\x45\x9f\x03\x06\0\0\0\0\0\0\x9f\x1a\x02\x03\x56\x95\x05\x80\0\x04\x80\0\
    \x5f\x2a\x02\x03\x56\x9a\x03\x26\x11\x21\x9c\x01\0\x9f\x37\x04\xde\xad\xbe\xef\x82\x02\x18\0\x9f\x36\x02\x01\x07\
    \x9f\x10\x07\x06\x01\x12\x03\xa0\xb8\0";

fn makes_arqc(known: &Answers) -> Option<bool> {
    let (key, pan) = (Tdes::new(&DES_KEY).ok()?, Pan::parse(b"4111111111111111").ok()?);
    let card = emv::Card { pan: &pan, psn: Psn::parse(b"01").ok()? };
    let data = EmvData::parse(EMV_DATA).ok()?;
    let input = emv::Input::Tags { data: &data, results: None, counters: None };
    let verify = |arqc| {
        let method = emv::Method::Profile(emv::Profile::VisaCvn18);
        method.verify(emv::IssuerMaster::Tdes(&key), card, &input, &Arqc::from_bytes(arqc)).ok()
    };
    let mut flipped = known.arqc;
    let [.., last] = &mut flipped;
    *last ^= 1;
    Some(verify(known.arqc)? && !verify(flipped)?)
}

fn makes_card_value(known: &Answers) -> Option<bool> {
    let (key, pan) = (Tdes::new(&DES_KEY).ok()?, Pan::parse(b"4123456789012349").ok()?);
    let value = |expiry, code| {
        let (expiry, kind) = (Expiry::parse(expiry).ok()?, CardValueKind::of_service_code(code).ok()?);
        card_value(&key, &pan, expiry, DateOrder::YearMonth, kind).ok()
    };
    let right = value(b"8701", b"101")?.as_bytes() == &known.card_value;
    Some(right && value(b"8702", b"101")?.as_bytes() != &known.card_value)
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

    #[test]
    fn it_does_not_pass_where_it_cannot_run() {
        let too_small = Region::new(1).unwrap();
        assert_eq!(self_test(&too_small), Err(SelfTestError("token key")));
    }

    #[test]
    fn every_wrong_answer_is_named() {
        let region = Region::new(3).unwrap();
        let token_key = Answers { token_key: [0; 32], ..KNOWN };
        let mut cryptogram = KNOWN;
        cryptogram.cryptogram[19] ^= 0x80;
        let short_value = Answers { short_value: *b"0975", ..KNOWN };
        for (known, name) in [
            (token_key, "token key"),
            (cryptogram, "cryptogram"),
            (short_value, "dynamic token verification value"),
            (Answers { arqc: [0; 8], ..KNOWN }, "EMV cryptogram"),
            (Answers { card_value: *b"767", ..KNOWN }, "card verification value"),
        ] {
            assert_eq!(against(&known, &region), Err(SelfTestError(name)));
        }
    }
}
