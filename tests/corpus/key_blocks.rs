//! Seeds of key blocks of other systems, and of keyrings that have imported keys.

use tallystick::crypto::{KeyAlgorithm, KeyPurpose, SystemRandom};
use tallystick::keys::tr31::Exportability;
use tallystick::keys::{CheckMethod, CheckValue, Components};
use tallystick::secmem::Region;
use tallystick::types::KeyLabel;

/// Seeds of the target `tr31`: a block of each version, made by `psec`, and one that is
/// made of its fields.
pub fn tr31() -> Vec<(&'static str, Vec<u8>)> {
    let blocks = [
        ("a", "A0088K0TX77S00005728532DBCE898554BAAF294534C11AD8EF3B089BE57823BAA75AA2F0622901AF27CFC1D"),
        (
            "b",
            "B0120P0TE00N0200TT0EHelloWorldPB0A0000008FE0CA0F00BAA9A1E3695A6C051FAB695FCE07E289BC0151D096909BB87670F63238670402E90A37",
        ),
        ("c", "C0088K0TB72N00003558E565FDFD95712856C209363946C54510F07A8AA833208214F8415FCF7E514904A95A"),
        (
            "d",
            "D0144M6AG47S0000CEAFCF258ED9F6A345D80B3B9D2818808533A1D842755F8068E3B7CF36B66F53353850C9396E763984B4B76E5C551F3F71DF0B16DE2D0F98E6AB07917A573546",
        ),
        ("extended", "B0112E0TX00E0200CT00020020key of 16 bytes.PB0E00000000000000"),
    ];
    let mut seeds: Vec<_> = blocks.iter().map(|(name, text)| (*name, text.as_bytes().to_vec())).collect();
    for (name, version) in [("fields-b", 0), ("fields-d", 1)] {
        let fields = [version, 6, 9, 0, 3, 7, b'F', 10];
        let optional = [b'L' - b'A', 1, 7, 1, 2, 3, 4, 5, 6, 7];
        let clear = [&[0, 128][..], &[9; 46]].concat();
        seeds.push((name, [&fields[..], &optional, &clear].concat()));
    }
    seeds
}

/// A keyring with an imported key.
pub fn keyring() -> Vec<u8> {
    let (region, algorithm) = (Region::new(8).unwrap(), KeyAlgorithm::Aes128);
    let value = |key: &[u8]| CheckValue::of(algorithm, CheckMethod::of(algorithm), key).unwrap();
    let mut components = Components::new(&region, algorithm).unwrap();
    for part in [[1; 16], [2; 16]] {
        components.give(&part, value(&part)).unwrap();
    }
    let mut keys = crate::support::new_keys();
    let (label, purpose) = (KeyLabel::parse("transport").unwrap(), KeyPurpose::KeyTransport);
    let export = Exportability::Trusted;
    keys.import_components(&SystemRandom, label, purpose, export, &components, value(&[3; 16])).unwrap();
    keys.seal(&SystemRandom).unwrap().to_bytes()
}
