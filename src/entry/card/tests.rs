//! What is a card and what is none.

use proptest::prelude::*;

use super::*;

fn told(plain: &str) -> Option<(String, String, bool)> {
    let EnteredPlain { pan, expiry, cvc_given } = read(plain.as_bytes()).ok()?;
    let digits = String::from_utf8(pan.expose_digits().to_vec()).unwrap();
    Some((digits, expiry.to_string(), cvc_given))
}

fn card(number: &str, expiry: &str, cvc_given: bool) -> Option<(String, String, bool)> {
    Some((number.to_owned(), expiry.to_owned(), cvc_given))
}

const NUMBER: &str = "4111111111111111";
const GOOD: &str = r#"{"number":"4111111111111111","expiryMonth":"12","expiryYear":"29","cvc":"123","holderName":"Zoë O'Neil"}"#;

#[test]
fn a_card_is_read_however_it_is_spaced_and_ordered() {
    assert_eq!(told(GOOD), card(NUMBER, "2912", true));
    let spaced = " {\n\t\"holderName\" : \"\" , \"expiryYear\":\"2029\",\r\"number\":\" 4111 1111  1111 1111 \",\"expiryMonth\":\"01\" } \n";
    assert_eq!(told(spaced), card(NUMBER, "2901", false));
    let four = r#"{"number":"378282246310005","expiryMonth":"12","expiryYear":"29","cvc":"1234"}"#;
    assert_eq!(told(four), card("378282246310005", "2912", true));
}

#[test]
fn whatever_else_it_is_it_is_one_refusal() {
    let changed = |from: &str, to: &str| {
        assert!(GOOD.contains(from), "{from}");
        GOOD.replacen(from, to, 1)
    };
    let cases = [
        changed("4111111111111111", "4111111111111112"),
        changed("4111111111111111", "4111-1111-1111-1111"),
        changed("4111111111111111", ""),
        changed("4111111111111111", &format!("{}4111111111111111", " ".repeat(LONGEST))),
        changed("\"4111111111111111\"", "4111111111111111"),
        changed("\"12\"", "\"13\""),
        changed("\"12\"", "\"00\""),
        changed("\"12\"", "\"1\""),
        changed("\"12\"", "\"+1\""),
        changed("\"12\"", "12"),
        changed("\"29\"", "\"1929\""),
        changed("\"29\"", "\"029\""),
        changed("\"29\"", "\"2+9\""),
        changed("\"29\"", "null"),
        changed("\"123\"", "\"12\""),
        changed("\"123\"", "\"12345\""),
        changed("\"123\"", "\"12a\""),
        changed("\"123\"", "\"\""),
        changed("\"123\"", "null"),
        changed("cvc", "cvv"),
        changed("cvc", "number"),
        changed("cvc", "cv\\u0063"),
        changed(r#""cvc":"123""#, r#""expiryYear":"29""#),
        changed(r#""cvc":"123""#, r#""holderName":"""#),
        changed("O'Neil", "\\\"O"),
        changed("O'Neil", "\n"),
        changed("O'Neil\"", "O'Neil\","),
        changed("\",\"cvc", "\"\"cvc"),
        changed(r#""expiryMonth":"12","#, ""),
        changed(r#""expiryYear":"29","#, ""),
        changed(r#""number":"4111111111111111","#, ""),
        format!("{GOOD}{GOOD}"),
        format!("[{GOOD}]"),
        GOOD.trim_end_matches('}').to_owned(),
        GOOD.trim_start_matches('{').to_owned(),
        String::new(),
        "{}".to_owned(),
    ];
    for case in cases {
        assert!(matches!(read(case.as_bytes()), Err(Refusal::EntryRefused)), "{case}");
    }
    let latin = GOOD.as_bytes().iter().map(|byte| if *byte == b'O' { 0xe9 } else { *byte });
    assert!(read(&latin.collect::<Vec<_>>()).is_err());
}

#[test]
fn it_shows_nothing() {
    assert_eq!(format!("{:?}", read(GOOD.as_bytes()).unwrap()), "EnteredPlain(redacted)");
}

/// JSON that another reader takes, and this one takes only if it means a card too.
fn json() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["number", "expiryMonth", "expiryYear", "cvc", "holderName", "x"]);
    let value = prop_oneof![
        Just("\"4111 1111 1111 1111\"".to_owned()),
        "\"[0-9]{1,4}\"",
        "\"[ -!#-\\[\\]-~]{0,9}\"",
        "[0-9]{1,3}",
        Just("null".to_owned())
    ];
    prop::collection::vec((name, value), 0..6).prop_map(|members| {
        let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", members.join(","))
    })
}

proptest! {
    /// What is taken, serde takes too and reads the same members.
    #[test]
    fn it_is_json(text in prop_oneof![json(), Just(GOOD.to_owned())], cut in any::<prop::sample::Index>(), byte in 0x20u8..0x7f) {
        let mut broken = text.clone().into_bytes();
        let at = cut.index(broken.len());
        broken[at] = byte;
        for text in [text.into_bytes(), broken] {
            let Ok(card) = read(&text) else { continue };
            let theirs: serde_json::Value = serde_json::from_slice(&text).unwrap();
            let number = theirs["number"].as_str().unwrap().replace(' ', "");
            prop_assert_eq!(card.pan.expose_digits(), number.as_bytes());
            prop_assert_eq!(card.cvc_given, theirs.get("cvc").is_some());
            prop_assert_eq!(card.expiry.to_string()[2..].to_owned(), theirs["expiryMonth"].as_str().unwrap());
        }
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..190)) {
        let _ = read(&bytes);
    }
}
