//! What the field's formulas make of a card on their way.

use tallystick::crypto::Tdes;
use tallystick::types::{CardValue, Expiry};

/// PAN and sequence number as the key of a card is derived from them: packed from the
/// right, that inverted, and the blocks of a verification value, packed from the left.
/// Any eight bytes with ten digits of the PAN or more.
pub fn card_forms(pan: &str, psn: &str) -> Vec<Vec<u8>> {
    let digits = |text: &str| text.bytes().map(|digit| digit - b'0').collect::<Vec<u8>>();
    let pack = |digits: &[u8]| digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect::<Vec<u8>>();
    let mut from_right = digits(&format!("{pan}{psn}"));
    if from_right.len() % 2 == 1 {
        from_right.insert(0, 0);
    }
    let mut from_left = digits(pan);
    from_left.truncate(pan.len() / 2 * 2);
    let mut forms = Vec::new();
    for block in [pack(&from_right), pack(&from_left)] {
        for eight in block.windows(8) {
            let inverted: Vec<u8> = eight.iter().map(|byte| !byte).collect();
            for mut form in [eight.to_vec(), inverted] {
                forms.push(form.clone());
                form.reverse();
                forms.push(form);
            }
        }
    }
    forms
}

/// A printed verification value. Three digits alone are found everywhere, so it is searched
/// for with what stands before it on the wire, and as the blocks of which it is a part
/// ([`tallystick::cryptogram::card_value`]). `ids` are those of the requests.
pub fn card_value_forms(
    key: &Tdes,
    pan: &str,
    expiry: Expiry,
    value: &CardValue,
    ids: std::ops::Range<u8>,
) -> Vec<Vec<u8>> {
    let digits = value.as_bytes();
    // The request's fields 4 and 6; the reply's last bytes of the id, and field 1.
    let mut forms = vec![[b"cvv2\x06\x63", digits.as_slice()].concat()];
    forms.extend(ids.map(|id| [&[0, id, 0xa1, 1, 0x63], digits.as_slice()].concat()));
    let text = [pan.as_bytes(), &expiry.digits(), b"000"].concat();
    let mut nibbles = text.iter().map(|digit| digit & 15).chain(std::iter::repeat(0));
    let mut next = || [(); 8].map(|()| nibbles.next().unwrap() << 4 | nibbles.next().unwrap());
    let (mut block, second) = (next(), next());
    let pair = key.pair().unwrap();
    pair.encrypt_left(&mut block);
    forms.push(block.to_vec());
    block.iter_mut().zip(second).for_each(|(byte, other)| *byte ^= other);
    forms.push(block.to_vec());
    pair.encrypt(&mut block);
    forms.push(block.to_vec());
    let reversed = |block: &Vec<u8>| block.iter().rev().copied().collect();
    let blocks: Vec<Vec<u8>> = forms[forms.len() - 3..].iter().map(reversed).collect();
    forms.extend(blocks);
    forms
}
