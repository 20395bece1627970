//! Notes: up to fifteen pairs that a merchant keeps with something.

use serde_json::{Map, Value};

use super::Error;
use crate::vault::body::{Fields, Node, Why};

/// Most pairs.
const PAIRS: usize = 15;
/// Most characters of a name or a value.
const CHARACTERS: usize = 256;

/// Reads `notes`. None at all are an empty list: so this API shows them.
///
/// # Errors
/// More pairs or characters than fit, or values that are no texts and no numbers.
pub fn notes(fields: &Fields<'_>) -> Result<Value, Error> {
    if let Some(Node::List(list)) = fields.get("notes")
        && list.is_empty()
    {
        return Ok(Value::Array(Vec::new()));
    }
    let given = fields.object("notes")?;
    let mut kept = Map::new();
    for name in given.names() {
        let value = match given.get(name) {
            Some(Node::Text(text)) => Value::from(text.as_str()),
            Some(Node::Number(number)) => Value::from(number.clone()),
            _ => return Err(fields.fault("notes", Why::Type).into()),
        };
        let characters = |text: &str| text.chars().count();
        if characters(name) > CHARACTERS || value.as_str().is_some_and(|text| characters(text) > CHARACTERS) {
            let most = format!("The notes may have names and values of at most {CHARACTERS} characters");
            return Err(Error::field("notes", most));
        }
        kept.insert(name.to_owned(), value);
    }
    if kept.len() > PAIRS {
        return Err(Error::field("notes", format!("The notes may have at most {PAIRS} pairs")));
    }
    Ok(if kept.is_empty() { Value::Array(Vec::new()) } else { Value::Object(kept) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::vault::body::json as read;

    fn of(value: &Value) -> Result<Value, Error> {
        let body = read(json!({ "notes": value }).to_string().as_bytes()).unwrap();
        notes(&Fields::of(&body))
    }

    #[test]
    fn fifteen_pairs_of_256_characters_and_no_more() {
        let pairs = |count: usize, length: usize| -> Value {
            (0..count)
                .map(|n| (format!("k{n}"), Value::from("ü".repeat(length))))
                .collect::<Map<_, _>>()
                .into()
        };
        assert_eq!(of(&pairs(15, 256)).unwrap(), pairs(15, 256));
        assert!(of(&pairs(16, 1)).is_err());
        assert!(of(&pairs(1, 257)).is_err());
        assert!(of(&json!({ "k".repeat(257): "v" })).is_err());
        assert_eq!(of(&json!({ "n": 7 })).unwrap(), json!({ "n": 7 }));
        for empty in [json!({}), json!([]), Value::Null] {
            assert_eq!(of(&empty).unwrap(), json!([]));
        }
        for other in
            [json!(["a"]), json!("a"), json!({ "a": [] }), json!({ "a": null }), json!({ "a": true })]
        {
            assert!(of(&other).is_err(), "{other}");
        }
    }
}
