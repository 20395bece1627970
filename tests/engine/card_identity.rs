//! One cryptogram, one counter, one card, however it is presented.

use super::cards::{IMK, IMK_AES, card, label, rig};
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
