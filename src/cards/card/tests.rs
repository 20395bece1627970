//! Good and bad lines.

use super::*;
use crate::types::{Binding, Channels};

fn template() -> Template {
    Template {
        trid: Trid::parse(b"40010000001").unwrap(),
        auth_provider: Reference::parse("bank").unwrap(),
        auth_reference: None,
        auth_number: None,
        domain: Domain::default(),
        providers: None,
    }
}

fn read(line: &str) -> Result<Provision, Reject> {
    template().card(&Columns::usual(), line.as_bytes())
}

/// The digits and the expiry of a card in clear.
fn clear(card: &Provision) -> (&[u8], String) {
    let CardSource::Clear { pan, expiry } = &card.card else { panic!("{card:?}") };
    (pan.expose_digits(), expiry.to_string())
}

#[test]
fn a_line_is_a_card() {
    let full = read("4111111111111111,2912,pay_1,100222,PAR1").unwrap();
    assert_eq!(clear(&full), (b"4111111111111111".as_slice(), "2912".to_owned()));
    assert_eq!(full.evidence.reference.as_str(), "pay_1");
    assert_eq!(full.evidence.auth_reference.unwrap().as_str(), "100222");
    assert_eq!(full.par.unwrap().as_str(), "PAR1");
    let spaced = read(" 4111 1111 1111 1111 ,\t2912 , \"pay_1\" ,,\r").unwrap();
    assert_eq!(clear(&spaced).0, b"4111111111111111");
    assert_eq!(spaced.evidence.reference.as_str(), "pay_1");
    assert!(spaced.evidence.auth_reference.is_none() && spaced.par.is_none());
    // Empty columns at the end are none.
    assert!(read("4111111111111111,2912,pay_1,,,,,").is_ok());
}

#[test]
fn every_fault_has_its_status_and_tells_nothing_of_the_line() {
    for (line, status) in [
        ("", "pan_length"),
        ("41111111111,2912,r", "pan_length"),
        ("411111111111111x,2912,r", "pan_not_digits"),
        ("4111111111111112,2912,r", "pan_luhn"),
        ("4111111111111111", "expiry_malformed"),
        ("4111111111111111,2913,r", "expiry_malformed"),
        ("2912,4111111111111111,r", "pan_length"),
        ("4111111111111111,2912", "evidence_missing"),
        ("4111111111111111,2912,r\u{e9}", "evidence_malformed"),
        ("4111111111111111,2912,r,4111111111111111411111111111", "auth_reference_malformed"),
        ("6074820000000009,2912,r", "auth_reference_required"),
        ("4111111111111111,2912,r,n,p p", "par_malformed"),
        ("4111111111111111,2912,r,n,p,4111111111111111", "columns"),
        ("\"4111111111111111,2912,r", "quotes"),
        ("4111111111111111,2912,r\"r", "quotes"),
    ] {
        let reject = read(line).map(|_| ()).unwrap_err();
        assert_eq!(reject.status, status, "{line}");
        assert!(!reject.says.contains("1111"), "{}", reject.says);
    }
}

#[test]
fn options_hold_where_a_line_says_nothing() {
    let template = Template {
        auth_reference: Reference::parse("usual").ok(),
        auth_number: AuthReference::parse("5").ok(),
        ..template()
    };
    let card = |line: &str| template.card(&Columns::usual(), line.as_bytes()).unwrap().evidence;
    let usual = card("6074820000000009,2912");
    assert_eq!((usual.reference.as_str(), usual.auth_reference.unwrap().as_str()), ("usual", "5"));
    let own = card("6074820000000009,2912,mine,6");
    assert_eq!((own.reference.as_str(), own.auth_reference.unwrap().as_str()), ("mine", "6"));
}

#[test]
fn a_first_line_may_name_the_columns() {
    let columns = Columns::named(b" Expiry,\"PAN\" , auth_reference\r").unwrap().unwrap();
    let card = template().card(&columns, b"2912,4111111111111111,pay_1").unwrap();
    assert_eq!((clear(&card).1.as_str(), card.evidence.reference.as_str()), ("2912", "pay_1"));
    let more = template().card(&columns, b"2912,4111111111111111,pay_1,x").map(|_| ()).unwrap_err();
    assert_eq!(more.status, "columns");
    assert!(Columns::named(b"4111111111111111,2912,pan_1").is_none());
    for wrong in ["pan", "pan,expiry,pan", "pan,expiry,colour", "pan,expiry,"] {
        assert!(Columns::named(wrong.as_bytes()).unwrap().is_err(), "{wrong}");
    }
}

#[test]
fn another_template_is_another_text() {
    let merchant = |name: &[u8]| Domain { merchant: Some(name.into()), ..Domain::default() };
    let texts: std::collections::BTreeSet<_> = [
        template(),
        Template { trid: Trid::parse(b"40010000002").unwrap(), ..template() },
        Template { auth_provider: Reference::parse("other").unwrap(), ..template() },
        Template { auth_reference: Reference::parse("r").ok(), ..template() },
        Template { auth_number: AuthReference::parse("r").ok(), ..template() },
        Template { domain: merchant(b"m"), ..template() },
        Template { domain: merchant(b"n"), ..template() },
        Template {
            domain: Domain { channels: Channels::from_bits(1).unwrap(), ..Domain::default() },
            ..template()
        },
        Template { domain: Domain { demands: Binding::AMOUNT, ..Domain::default() }, ..template() },
        Template { providers: Some(vec![]), ..template() },
        Template { providers: Some(vec![ProviderName::parse("visa").unwrap()]), ..template() },
    ]
    .iter()
    .map(Template::canonical)
    .collect();
    assert_eq!(texts.len(), 11);
    assert_eq!(template().canonical(), template().canonical());
}
