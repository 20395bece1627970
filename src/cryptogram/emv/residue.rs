//! No key of an issuer, card or session is left in ordinary memory, nor what one is
//! expanded to.

use std::hint::black_box;

use super::*;
use crate::crypto::{Aes, KeyAlgorithm, LoadedCipher, Tdes};
use crate::secmem::residue::Words;
use crate::secmem::{CIPHER_STACK, Placed, Protection, Region, scrubbed};
use crate::types::Pan;
use crate::types::emv::{Atc, Psn};

/// Adds the words of what a key is expanded to, and of the key itself.
fn add(words: &mut Words, region: &Region, key: &DerivedKey) {
    scrubbed::<CIPHER_STACK, _>(|| {
        words.add(key.expose());
        if key.is_aes() {
            Placed::build(region, || Aes::new(key.expose())).unwrap().peek(words);
        } else {
            Placed::build(region, || Tdes::new(key.expose())).unwrap().peek(words);
        }
    });
}

/// Loads a random key, and adds the words of it and of all that is derived.
fn loaded(region: &Region, algorithm: KeyAlgorithm, scheme: Scheme, card: Card<'_>) -> (LoadedCipher, Words) {
    let mut words = Words::default();
    let key = scrubbed::<CIPHER_STACK, _>(|| {
        let mut bytes = vec![0; algorithm.key_len()];
        bytes.fill_with(|| fastrand::u8(..));
        let key = LoadedCipher::load(region, algorithm, &bytes).unwrap();
        bytes.fill(0);
        black_box(&bytes);
        key
    });
    scrubbed::<CIPHER_STACK, _>(|| match &key {
        LoadedCipher::Tdes(placed) => placed.peek(&mut words),
        LoadedCipher::Aes(placed) => placed.peek(&mut words),
    });
    scrubbed::<{ 2 * CIPHER_STACK }, _>(|| {
        let card = scheme.icc.derive(IssuerMaster::from(&key), card).unwrap();
        add(&mut words, region, &card);
        add(&mut words, region, &scheme.session.derive(card, Atc::new(7), None).unwrap());
    });
    (key, words)
}

#[test]
fn nothing_is_left_of_keys() {
    let region = Region::new(4 * LoadedCipher::MOST_SLOTS).unwrap();
    if region.protection() != Protection::SecretMemory {
        eprintln!("NOT TESTED: no memfd_secret here, so the region itself would be found");
        return;
    }
    let pan = Pan::parse(b"4000000000000000105").unwrap();
    let card = Card { pan: &pan, psn: Psn::NONE };
    let iso = AcMac::Method2;
    let tree = Session::Tree(TreeShape::new(8, 4).unwrap());
    for (algorithm, icc, session, mac) in [
        (KeyAlgorithm::Tdes2, IccOption::B, Session::Common, iso),
        (KeyAlgorithm::Tdes3, IccOption::A, tree, iso),
        (KeyAlgorithm::Aes128, IccOption::C, Session::Common, AcMac::AesCmac),
        (KeyAlgorithm::Aes256, IccOption::C, Session::Common, AcMac::AesCmac),
    ] {
        let scheme = Scheme { icc, session, mac };
        let (key, words) = loaded(&region, algorithm, scheme, card);
        assert!(words.len() > 20, "{} words", words.len());
        let method = Method::Scheme(scheme);
        let input = Input::Ordered { atc: Atc::new(7), unpredictable: None, text: b"a text of some length" };
        let issuer = IssuerMaster::from(&key);
        let mut arqc = None;
        let left = words.left_by(|| arqc = method.arqc(issuer, card, &input).ok());
        assert_eq!(left, 0, "by a cryptogram of {algorithm:?}");
        let (arqc, session) = (arqc.unwrap(), (Atc::new(7), None));
        let response = Response::Status { csu: [0; 4], proprietary: &[] };
        let left = words.left_by(|| assert!(method.arpc(issuer, card, session, &arqc, response).is_ok()));
        assert_eq!(left, 0, "by an answer of {algorithm:?}");
        // And what is left is found.
        let left = words.left_by(|| assert!(scheme.icc.derive(issuer, card).is_ok()));
        assert!(left > 0, "on the stack of {algorithm:?} nothing is found");
    }
}
