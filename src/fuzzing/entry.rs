//! A card that came in encrypted.

use crate::entry::{EnteredPlain, read_card};
use crate::types::{Expiry, Pan};

/// The plaintext of a card: what is accepted is JSON of five strings at most, written
/// again it is the same card, and cut it is none.
pub fn entry(data: &[u8]) {
    let Some(card) = read(data) else { return };
    let text = std::str::from_utf8(data).unwrap_or_default();
    let members = serde_json::from_str::<std::collections::BTreeMap<String, String>>(text);
    assert!(members.is_ok_and(|members| (3..=5).contains(&members.len())), "no JSON was taken for a card");
    let [y0, y1, m0, m1] = card.1.digits().map(char::from);
    let digits = String::from_utf8_lossy(card.0.expose_digits()).into_owned();
    let cvc = if card.2 { r#","cvc":"000""# } else { "" };
    let again = format!(r#"{{"expiryYear":"20{y0}{y1}","expiryMonth":"{m0}{m1}","number":"{digits}"{cvc}}}"#);
    let same = read(again.as_bytes()).is_some_and(|other| {
        other.0.expose_digits() == card.0.expose_digits() && (other.1, other.2) == (card.1, card.2)
    });
    assert!(same, "written again, it is another card");
    assert!(read(again.as_bytes().split_last().map_or(&[], |(_, cut)| cut)).is_none(), "half a card");
}

fn read(plain: &[u8]) -> Option<(Pan, Expiry, bool)> {
    let EnteredPlain { pan, expiry, cvc_given } = read_card(plain).ok()?;
    Some((pan, expiry, cvc_given))
}
