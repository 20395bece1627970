//! A tree of JSON values.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use thiserror::Error as ThisError;
use zeroize::Zeroizing;

/// A value of a body. Its texts are wiped on drop.
pub enum Node {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it is written.
    Number(serde_json::Number),
    /// A text.
    Text(Zeroizing<String>),
    /// Values in order.
    List(Vec<Node>),
    /// Values by name; no name stands twice.
    Map(BTreeMap<String, Node>),
}

/// A body that is no JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
pub enum BodyFault {
    /// Not JSON, not UTF-8, nested too deep, or with a name that stands twice.
    #[error("the body is not valid JSON")]
    Malformed,
    /// JSON, but no object.
    #[error("the body is not a JSON object")]
    NoObject,
}

/// Reads a JSON object. Nothing at all is read as an object without members.
///
/// # Errors
/// [`BodyFault`]; nothing of the body is in it.
pub fn json(bytes: &[u8]) -> Result<Node, BodyFault> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Node::Map(BTreeMap::new()));
    }
    match serde_json::from_slice(bytes).map_err(|_| BodyFault::Malformed)? {
        map @ Node::Map(_) => Ok(map),
        _ => Err(BodyFault::NoObject),
    }
}

impl fmt::Debug for Node {
    /// The kind only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Bool(_) => "Bool(..)",
            Self::Number(_) => "Number(..)",
            Self::Text(_) => "Text(redacted)",
            Self::List(_) => "List(..)",
            Self::Map(_) => "Map(..)",
        })
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
        serde_json::Number::from_f64(value).map(Node::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(Zeroizing::new(value.to_owned())))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Node, E> {
        Ok(Node::Text(Zeroizing::new(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = access.next_element()? {
            list.push(value);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((name, value)) = access.next_entry::<String, Node>()? {
            // Two readers of a name that stands twice may see two different values.
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands twice"));
            }
        }
        Ok(Node::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_and_nothing_else() {
        assert!(matches!(json(b"{\"a\": [1, \"x\", null, true]}"), Ok(Node::Map(_))));
        assert!(matches!(json(b""), Ok(Node::Map(map)) if map.is_empty()));
        for other in ["[]", "1", "\"a\"", "null"] {
            assert_eq!(json(other.as_bytes()).unwrap_err(), BodyFault::NoObject);
        }
        for broken in ["{", "{\"a\":1,\"a\":2}", "{\"a\":1}x", "{\"a\":1e999}", "\u{feff}{}", "{'a':1}"] {
            assert_eq!(json(broken.as_bytes()).unwrap_err(), BodyFault::Malformed, "{broken}");
        }
        assert_eq!(json(b"{\"a\":\"\xff\"}").unwrap_err(), BodyFault::Malformed);
        let deep = "{\"a\":".repeat(200) + "1" + &"}".repeat(200);
        assert_eq!(json(deep.as_bytes()).unwrap_err(), BodyFault::Malformed);
    }

    #[test]
    fn nothing_of_a_text_is_shown() {
        assert_eq!(format!("{:?}", json(b"{\"a\":1}").unwrap()), "Map(..)");
        assert_eq!(format!("{:?}", Node::Text("4111".to_owned().into())), "Text(redacted)");
    }
}
