//! A digest of what a body says, by which a repeated request is told from another one
//! under the same idempotency key.

use sha2::{Digest as _, Sha256};

use super::Node;

/// A SHA-256 of a body.
pub type Digest = [u8; 32];

/// The digest of a body in which `instead` says what stands for a text, by its path.
///
/// A PAN must be replaced by its fingerprint, and a card verification value by nothing:
/// the digest is stored, and a plain digest of either could be guessed.
#[must_use]
pub fn digest(node: &Node, instead: &dyn Fn(&str) -> Option<String>) -> Digest {
    let mut hash = Sha256::new();
    add(&mut hash, node, "", instead);
    hash.finalize().into()
}

fn add(hash: &mut Sha256, node: &Node, path: &str, instead: &dyn Fn(&str) -> Option<String>) {
    match node {
        Node::Null => hash.update(b"n"),
        Node::Bool(value) => hash.update([b'b', u8::from(*value)]),
        Node::Number(number) => sized(hash, b'd', number.to_string().as_bytes()),
        Node::Text(text) => match instead(path) {
            Some(other) => sized(hash, b'i', other.as_bytes()),
            None => sized(hash, b't', text.as_bytes()),
        },
        Node::List(list) => {
            sized(hash, b'l', &[]);
            list.iter().for_each(|item| add(hash, item, path, instead));
            hash.update(b"e");
        }
        Node::Map(map) => {
            sized(hash, b'm', &[]);
            for (name, value) in map {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                sized(hash, b'k', name.as_bytes());
                add(hash, value, &path, instead);
            }
            hash.update(b"e");
        }
    }
}

/// With its length before it, so that no two bodies run together.
fn sized(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    hash.update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::body::json;

    fn of(text: &str) -> Digest {
        digest(&json(text.as_bytes()).unwrap(), &|path| (path == "card.number").then(|| "print".to_owned()))
    }

    #[test]
    fn what_says_the_same_has_the_same_digest_and_nothing_else() {
        let one = of(r#"{"a":1,"card":{"number":"4111","month":"12"}}"#);
        assert_eq!(one, of(r#"{ "card": {"month": "12", "number": "5555"}, "a": 1 }"#));
        for other in [
            r#"{"a":2,"card":{"number":"4111","month":"12"}}"#,
            r#"{"a":1,"card":{"month":"12"}}"#,
            r#"{"a":"1","card":{"number":"4111","month":"12"}}"#,
            r#"{"a":1,"card":{"number":"4111"},"month":"12"}"#,
            r#"{"a":1,"card":{"number":"4111","month":["12"]}}"#,
        ] {
            assert_ne!(one, of(other), "{other}");
        }
    }
}
