//! EMV data, and the cryptograms that cover it.

use std::sync::OnceLock;

use super::keys::IMPORTED_KEY;
use crate::crypto::{Aes, Tdes};
use crate::cryptogram::emv::{AcMac, Card, EmvError, Input, IssuerMaster, Method, Profile};
use crate::types::Pan;
use crate::types::emv::{Arqc, EmvData, Psn, Tag};

/// What every method covers first, as EMV Book 2 has it in 8.1.1.
const ELEMENTS: [Tag; 10] = [
    Tag::AmountAuthorised,
    Tag::AmountOther,
    Tag::TerminalCountry,
    Tag::VerificationResults,
    Tag::Currency,
    Tag::Date,
    Tag::TransactionType,
    Tag::UnpredictableNumber,
    Tag::InterchangeProfile,
    Tag::TransactionCounter,
];

/// Card verification results and counters.
type Two<'a> = (&'a [u8], &'a [u8]);
/// The same where they do not come out of 9F10.
type Given<'a> = (Option<&'a [u8]>, Option<&'a [u8]>);

/// EMV data as field 55 of ISO 8583 has it: what is accepted comes back from its own
/// writing, and every value has a length that its tag allows. Then each method makes a
/// cryptogram of it, or says the right reason why not.
///
/// Before the data stand the lengths of card verification results and of counters, each
/// with one more, or 0 if they are not given; which tag is changed, and which bit of it;
/// and then those results and counters.
pub fn emv(data: &[u8]) {
    let Some(([results, counters, tag, bit], rest)) = data.split_first_chunk() else { return };
    let (results, rest) = given(*results, rest);
    let (counters, ber) = given(*counters, rest);
    let Ok(parsed) = EmvData::parse(ber) else { return };
    for tag in Tag::ALL {
        let length = parsed.get(tag).map(<[u8]>::len);
        assert!(length.is_none_or(|length| tag.lengths().contains(&length)), "a value of another length");
    }
    assert!(parsed.get(Tag::PanSequence).is_some() == parsed.pan_sequence().is_some(), "half a number");
    assert!(EmvData::parse(&parsed.to_ber()).as_ref() == Ok(&parsed), "written, it reads otherwise");
    let Some(bench) = bench() else { return };
    for method in &bench.methods {
        of_data(bench, *method, &parsed, (*tag, *bit));
        if results.is_some() || counters.is_some() {
            of_given(bench, *method, &parsed, (results, counters));
        }
    }
}

fn given(length: u8, rest: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let Some(length) = length.checked_sub(1) else { return (None, rest) };
    let (value, rest) = rest.split_at(usize::from(length).min(rest.len()));
    (Some(value), rest)
}

/// Of the data alone: the cryptogram is verified, and no other; and with one bit of a tag
/// changed it is another if and only if the method covers that.
fn of_data(bench: &Bench, method: Method, data: &EmvData, (tag, bit): (u8, u8)) {
    let said = bench.arqc(method, data, (None, None));
    let wanted = elements(data).and_then(|()| covered(method, data));
    assert!(said.err() == wanted.err(), "another reason than the right one");
    let (Ok(arqc), Ok(covers)) = (said, wanted) else { return };
    let (issuer, card) = bench.of(method, data);
    let input = Input::Tags { data, results: None, counters: None };
    assert!(method.verify(issuer, card, &input, &arqc) == Ok(true), "what was made was not verified");
    let mut other = *arqc.as_bytes();
    let at = usize::from(bit / 8) % other.len();
    other.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << (bit % 8));
    let other = Arqc::from_bytes(other);
    assert!(method.verify(issuer, card, &input, &other) == Ok(false), "another was verified");
    let Some(tag) = Tag::ALL.get(usize::from(tag) % Tag::ALL.len()) else { return };
    let Some(changed) = with_bit(data, *tag, bit.into()) else { return };
    let again = bench.arqc(method, &changed, (None, None));
    match (tag, covered(method, &changed)) {
        (_, Err(error)) => assert!(again == Err(error), "another reason than the right one"),
        (Tag::IssuerApplicationData, Ok(other)) => {
            assert!((again == Ok(arqc)) == (other == covers), "9F10 is covered otherwise");
        }
        (tag, Ok(_)) => {
            let counts = ELEMENTS.contains(tag) || *tag == Tag::PanSequence;
            assert!(again.is_ok() && (again == Ok(arqc)) != counts, "another tag is covered");
        }
    }
}

/// Of results and counters that are given: taken if and only if the profile has such, and
/// then as if they stood in 9F10.
fn of_given(bench: &Bench, method: Method, data: &EmvData, (results, counters): Given<'_>) {
    let said = bench.arqc(method, data, (results, counters));
    let (results, counters) = (results.unwrap_or_default(), counters.unwrap_or_default());
    let wanted = match method {
        Method::Scheme(_) => Err(EmvError::Input),
        Method::Profile(profile) => {
            elements(data).and_then(|()| written(profile, results, counters).ok_or(EmvError::Given))
        }
    };
    assert!(said.err() == wanted.as_ref().err().copied(), "another reason than the right one");
    let same = wanted.ok().and_then(|issuer| with(data, Tag::IssuerApplicationData, &issuer));
    if let Some(same) = same {
        assert!(bench.arqc(method, &same, (None, None)) == said, "given, it is another cryptogram");
    }
}

/// The first element that is missing.
fn elements(data: &EmvData) -> Result<(), EmvError> {
    ELEMENTS.iter().find(|tag| data.get(**tag).is_none()).map_or(Ok(()), |tag| Err(EmvError::Missing(*tag)))
}

/// What a method covers of 9F10, said here once more by places.
fn covered(method: Method, data: &EmvData) -> Result<Two<'_>, EmvError> {
    let all = data.get(Tag::IssuerApplicationData);
    let Method::Profile(profile) = method else { return Ok((all.unwrap_or_default(), &[])) };
    let all = all.ok_or(EmvError::Missing(Tag::IssuerApplicationData))?;
    let (version, results, counters) = match profile {
        Profile::VisaCvn18 | Profile::VisaCvn22 => return Ok((all, &[])),
        Profile::VisaCvn10 => (2, 3..7, 0..0),
        Profile::MastercardCvn16 | Profile::MastercardCvn20 => (1, 2..8, 0..0),
        Profile::MastercardCvn17 | Profile::MastercardCvn21 => {
            (1, 2..8, 10..if all.len() < 26 { 18 } else { 26 })
        }
    };
    let is_older = profile != Profile::VisaCvn10 || all.first() == Some(&6);
    if !is_older || all.get(version) != Some(&profile.cvn()) {
        return Err(EmvError::IssuerData);
    }
    all.get(results).zip(all.get(counters)).ok_or(EmvError::IssuerData)
}

/// 9F10 with these results and counters, if the profile has such.
fn written(profile: Profile, results: &[u8], counters: &[u8]) -> Option<Vec<u8>> {
    let (before, most) = match profile {
        Profile::VisaCvn18 | Profile::VisaCvn22 => return None,
        Profile::VisaCvn10 => (vec![6, 0, profile.cvn()], 4),
        _ => (vec![0, profile.cvn()], 6),
    };
    let has_counters = matches!(profile, Profile::MastercardCvn17 | Profile::MastercardCvn21);
    let counted: &[usize] = if has_counters { &[8, 16] } else { &[0] };
    let fits = results.len() == most && counted.contains(&counters.len());
    let between: &[u8] = if has_counters { &[0, 0] } else { &[] };
    fits.then(|| [&before[..], results, between, counters].concat())
}

/// The data with another value of a tag.
fn with(data: &EmvData, tag: Tag, value: &[u8]) -> Option<EmvData> {
    let mut changed = EmvData::new();
    changed.set(tag, value).ok()?;
    for other in Tag::ALL.into_iter().filter(|other| *other != tag) {
        data.get(other).map_or(Ok(()), |value| changed.set(other, value)).ok()?;
    }
    Some(changed)
}

fn with_bit(data: &EmvData, tag: Tag, bit: usize) -> Option<EmvData> {
    let mut value = data.get(tag)?.to_vec();
    let at = bit % (value.len() * 8);
    value.get_mut(at / 8).into_iter().for_each(|byte| *byte ^= 1 << (at % 8));
    with(data, tag, &value)
}

/// An issuer's keys, a card and the methods that are tried: every profile, and schemes.
struct Bench {
    tdes: Tdes,
    aes: Aes,
    pan: Pan,
    methods: Vec<Method>,
}

fn bench() -> Option<&'static Bench> {
    static BENCH: OnceLock<Option<Bench>> = OnceLock::new();
    let make = || {
        let schemes = ["b-tree8x4-m2", "c-common-cmac"].map(|name| Method::parse(name).ok());
        let methods = Profile::ALL.into_iter().map(|profile| Some(Method::Profile(profile))).chain(schemes);
        Some(Bench {
            tdes: Tdes::new(&IMPORTED_KEY).ok()?,
            aes: Aes::new(&IMPORTED_KEY).ok()?,
            // As long as option B hashes it.
            pan: Pan::parse(b"4000000000000000105").ok()?,
            methods: methods.collect::<Option<_>>()?,
        })
    };
    BENCH.get_or_init(make).as_ref()
}

impl Bench {
    fn of(&self, method: Method, data: &EmvData) -> (IssuerMaster<'_>, Card<'_>) {
        let is_aes = method.scheme().mac == AcMac::AesCmac;
        let issuer = if is_aes { IssuerMaster::Aes(&self.aes) } else { IssuerMaster::Tdes(&self.tdes) };
        (issuer, Card { pan: &self.pan, psn: data.pan_sequence().unwrap_or(Psn::NONE) })
    }

    fn arqc(&self, method: Method, data: &EmvData, (results, counters): Given<'_>) -> Result<Arqc, EmvError> {
        let (issuer, card) = self.of(method, data);
        method.arqc(issuer, card, &Input::Tags { data, results, counters })
    }
}
