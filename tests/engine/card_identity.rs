//! One cryptogram, one counter, one card, however it is presented.

use super::cards::{IMK, IMK_AES, card, import, issue, issue_of, label, rig};
use super::*;
use tallystick::command::{EmvCard, EmvVerify};
use tallystick::crypto::{KeyAlgorithm, LoadedCipher};
use tallystick::cryptogram::emv::{Card, Input};
use tallystick::secmem::Region;
use tallystick::types::emv::{Arqc, Method};

/// What a chip makes of these: by the library alone.
fn made(card: &EmvCard) -> Arqc {
    let region = Region::new(64).unwrap();
    let (algorithm, key) = match card.key.as_str() {
        "imk-aes" => (KeyAlgorithm::Aes128, IMK_AES),
        _ => (KeyAlgorithm::Tdes2, IMK),
    };
    let key = LoadedCipher::load(&region, algorithm, key).unwrap();
    let (atc, unpredictable) = (card.data.atc().unwrap(), card.data.unpredictable());
    let input = match &card.text {
        Some(text) => Input::Ordered { atc, unpredictable, text },
        None => Input::Tags { data: &card.data, results: None, counters: None },
    };
    card.method.arqc((&key).into(), Card { pan: &card.pan, psn: card.psn }, &input).unwrap()
}

/// The counter that was consumed.
fn present(rig: &mut Rig, card: EmvCard, arqc: Arqc) -> Result<u32, Refusal> {
    let asked = Command::EmvVerify(Box::new(EmvVerify { card, arqc, answer: None }));
    rig.run(asked).map(|reply| match reply {
        Reply::EmvVerified(verified) => verified.atc.get(),
        other => panic!("{other:?}"),
    })
}

fn by(key: &str, method: &str, atc: u32) -> EmvCard {
    EmvCard { key: label(key), method: Method::parse(method).unwrap(), ..card(0, Some(atc)) }
}

/// Of every way to derive a session's key, and of none.
const SESSIONS: [(&str, &str); 6] = [
    ("imk", "a-none-m1"),
    ("imk", "a-common-m2"),
    ("imk", "b-random-m2"),
    ("imk", "a-tree8x4-m2"),
    ("imk-aes", "c-none-cmac"),
    ("imk-aes", "c-common-cmac"),
];

/// The counter is what is consumed: a cryptogram must not be right under another.
#[test]
fn the_same_cryptogram_under_another_counter_is_refused() {
    for (key, method) in SESSIONS {
        let mut rig = rig();
        let arqc = made(&by(key, method, 1));
        assert_eq!(present(&mut rig, by(key, method, 1), arqc), Ok(1), "{method}");
        assert_eq!(present(&mut rig, by(key, method, 1), arqc), Err(Refusal::Replayed), "{method}");
        for atc in [2, 256, 65_535] {
            assert_eq!(present(&mut rig, by(key, method, atc), arqc), Err(Refusal::BadMac), "{method}");
        }
    }
}

/// The same of what a card covers in an order of its own, in which the engine knows no
/// counter: there it must be in the key.
#[test]
fn the_same_cryptogram_of_a_text_under_another_counter_is_refused() {
    for (key, method) in SESSIONS {
        let mut rig = rig();
        let text = |atc| EmvCard { text: Some(b"an amount, and 0001".to_vec()), ..by(key, method, atc) };
        if method.contains("-none-") {
            for atc in [1, 2] {
                let told = present(&mut rig, text(atc), Arqc::from_bytes([0; 8]));
                assert_eq!(told, Err(Refusal::EmvData), "{method}");
            }
            continue;
        }
        let arqc = made(&text(1));
        assert_eq!(present(&mut rig, text(1), arqc), Ok(1), "{method}");
        assert_eq!(present(&mut rig, text(1), arqc), Err(Refusal::Replayed), "{method}");
        for atc in [2, 256, 65_535] {
            assert_eq!(present(&mut rig, text(atc), arqc), Err(Refusal::BadMac), "{method}");
        }
    }
}

/// Other numbers whose key is the same: with zeros before them and, by option A, with
/// other first digits.
fn spellings(method: &str) -> Vec<Pan> {
    let zeros = (1..=3).map(|zeros| [&b"000"[..zeros], PAN].concat());
    let first = (0..100).map(|first| [format!("{first:02}").as_bytes(), &PAN[2..]].concat());
    let first = first.filter(|digits| method.starts_with('a') && digits != PAN);
    zeros.chain(first).filter_map(|digits| Pan::parse(&digits).ok()).collect()
}

#[test]
fn another_spelling_of_the_number_is_the_same_card() {
    for (key, method, count) in [("imk", "a-common-m2", 3 + 9), ("imk-aes", "c-common-cmac", 3)] {
        let spelled = |pan: &Pan, atc| {
            let pan = Pan::parse(pan.expose_digits()).unwrap();
            EmvCard { pan, ..by(key, method, atc) }
        };
        let mut rig = rig();
        let all = spellings(method);
        assert_eq!(all.len(), count, "{method}");
        let arqc = made(&by(key, method, 7));
        assert_eq!(present(&mut rig, by(key, method, 7), arqc), Ok(7));
        for pan in &all {
            assert_eq!(made(&spelled(pan, 7)), arqc, "the same key");
            assert_eq!(present(&mut rig, spelled(pan, 7), arqc), Err(Refusal::Replayed), "{pan:?}");
        }
        // Nor does any of them give tries of its own.
        for pan in all.iter().cycle().take(10) {
            let told = present(&mut rig, spelled(pan, 8), Arqc::from_bytes([0; 8]));
            assert_eq!(told, Err(Refusal::BadMac));
        }
        let next = made(&by(key, method, 8));
        assert_eq!(present(&mut rig, by(key, method, 8), next), Err(Refusal::CardLocked));
    }
}

/// Among them the counters that are given out: no cryptogram is made twice.
#[test]
fn another_spelling_has_no_counter_of_its_own() {
    let mut rig = rig();
    assert_eq!(issue(&mut rig, 0).unwrap().atc.get(), 1);
    let pan = Pan::parse(&[b"0", PAN].concat()).unwrap();
    assert_eq!(issue_of(&mut rig, EmvCard { pan, ..card(0, None) }).unwrap().atc.get(), 2);
    // Numbers that differ in what the key is made of are cards of their own.
    let pan = Pan::parse(b"4111111111111129").unwrap();
    assert_eq!(issue_of(&mut rig, EmvCard { pan, ..card(0, None) }).unwrap().atc.get(), 1);
}

#[test]
fn another_method_or_label_with_the_same_key_is_the_same_card() {
    let mut rig = rig();
    import(&mut rig.keys, "imk-again", KeyPurpose::EmvIssuerMaster, KeyAlgorithm::Tdes2, IMK);
    let other = b"\x10\x32\x54\x76\x98\xba\xdc\xfe\x0f\x1e\x2d\x3c\x4b\x5a\x69\x78";
    import(&mut rig.keys, "imk-other", KeyPurpose::EmvIssuerMaster, KeyAlgorithm::Tdes2, other);
    rig.reload_keys();
    let arqc = made(&by("imk", "visa-cvn18", 7));
    assert_eq!(present(&mut rig, by("imk", "visa-cvn18", 7), arqc), Ok(7));
    for (key, method) in [
        ("imk", "visa-cvn22"),
        ("imk", "a-common-m2"),
        ("imk", "b-common-m2"),
        ("imk-again", "visa-cvn18"),
        ("imk-again", "a-common-m2"),
    ] {
        let told = present(&mut rig, by(key, method, 7), arqc);
        assert_eq!(told, Err(Refusal::Replayed), "{key} {method}");
    }
    // Where one number has two issuers' keys, these are two cards.
    let issuing = EmvCard { key: label("imk-other"), ..card(0, None) };
    assert_eq!(issue_of(&mut rig, issuing).unwrap().atc.get(), 1);
    assert_eq!(issue(&mut rig, 0), Err(Refusal::CounterOfChip));
}
