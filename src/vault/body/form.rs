//! Forms and query strings (`application/x-www-form-urlencoded`), as trees of texts.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::{BodyFault, Node};

/// Reads a form. No name may stand twice.
///
/// # Errors
/// [`BodyFault::Malformed`] for a name that stands twice, or bytes that are not UTF-8
/// once decoded.
pub fn form(bytes: &[u8]) -> Result<Node, BodyFault> {
    pairs(bytes, false)
}

/// Reads a query. A pair that stands there twice alike counts once: a public client
/// library sends it so.
///
/// # Errors
/// As [`form`].
pub fn query(bytes: &[u8]) -> Result<Node, BodyFault> {
    pairs(bytes, true)
}

fn pairs(bytes: &[u8], alike: bool) -> Result<Node, BodyFault> {
    let mut map: BTreeMap<String, Node> = BTreeMap::new();
    for (name, value) in form_urlencoded::parse(bytes) {
        // The decoder puts this in place of what is no UTF-8.
        if name.contains('\u{fffd}') || value.contains('\u{fffd}') {
            return Err(BodyFault::Malformed);
        }
        let value = Zeroizing::new(value.into_owned());
        match map.get(name.as_ref()) {
            Some(Node::Text(before)) if alike && *before == value => {}
            Some(_) => return Err(BodyFault::Malformed),
            None => drop(map.insert(name.into_owned(), Node::Text(value))),
        }
    }
    Ok(Node::Map(map))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::body::{Fields, Text};

    #[test]
    fn what_is_encoded_is_decoded_and_no_name_stands_twice() {
        let read = form(b"a=Asha+Rao&b=a%40example.com&c=").unwrap();
        let fields = Fields::of(&read);
        assert_eq!(fields.text("a", Text::LINE).unwrap(), Some("Asha Rao"));
        assert_eq!(fields.text("b", Text::LINE).unwrap(), Some("a@example.com"));
        assert_eq!(fields.text("c", Text::LINE).unwrap(), None);
        assert!(form(b"a=1&a=1").is_err());
        assert!(query(b"a=1&a=1").is_ok());
        assert!(query(b"a=1&a=2").is_err());
        assert!(form(b"a=%ff").is_err());
    }
}
