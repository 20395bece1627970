//! The bodies and queries that merchants send to the vault.

use serde_json::Value;

use crate::vault::body::{BodyFault, Fields, Node, Text, digest, form, json, query};

/// The bytes as JSON, as a form and as a query. What is accepted is the tree that stands
/// there, with every name once; what is refused was no object, or no tree, or had a name
/// twice; a field that is read keeps its limits.
pub fn body(data: &[u8]) {
    of_json(data);
    of_pairs(data);
}

fn of_json(data: &[u8]) {
    let told = serde_json::from_slice::<Value>(data);
    match (json(data), told) {
        (Ok(node), Err(_)) => {
            let is_blank = data.iter().all(u8::is_ascii_whitespace);
            assert!(is_blank && matches!(node, Node::Map(map) if map.is_empty()), "no JSON was taken");
        }
        (Ok(node), Ok(value)) => {
            assert!(value.is_object() && same(&node, &value), "a body is another tree");
            assert!(names_in(data) == names_of(&value), "a name that stands twice was taken");
            digested(&node, &value);
            fields(&Fields::of(&node));
        }
        (Err(BodyFault::NoObject), told) => {
            assert!(told.is_ok_and(|value| !value.is_object()), "an object is none");
        }
        (Err(BodyFault::Malformed), Ok(value)) => {
            assert!(names_in(data) > names_of(&value), "JSON was refused");
        }
        (Err(BodyFault::Malformed), Err(_)) => {}
    }
}

/// Written again it has the same digest, whatever its order was; a text that another
/// stands for is not in the digest; with a member more it is another.
fn digested(node: &Node, value: &Value) {
    // Read again, a number with a fraction may be its neighbour.
    if has_float(value) {
        return;
    }
    let read = |value: &Value| json(value.to_string().as_bytes()).ok();
    let plain = |node: &Node| digest(node, &|_| None);
    let hidden = |node: &Node| digest(node, &|_| Some(String::new()));
    assert!(read(value).as_ref().map(plain) == Some(plain(node)), "written again, it is another body");
    let mut other = value.clone();
    without_texts(&mut other);
    assert!(read(&other).as_ref().map(hidden) == Some(hidden(node)), "a hidden text is in the digest");
    let more = other.as_object_mut().and_then(|map| map.insert("more".to_owned(), Value::Null));
    if more.is_none() {
        assert!(read(&other).as_ref().map(hidden) != Some(hidden(node)), "a member is not in the digest");
    }
}

fn same(node: &Node, value: &Value) -> bool {
    match (node, value) {
        (Node::Null, Value::Null) => true,
        (Node::Bool(node), Value::Bool(value)) => node == value,
        (Node::Number(node), Value::Number(value)) => node == value,
        (Node::Text(node), Value::String(value)) => **node == *value,
        (Node::List(node), Value::Array(value)) => {
            node.len() == value.len() && node.iter().zip(value).all(|(node, value)| same(node, value))
        }
        (Node::Map(node), Value::Object(value)) => {
            node.len() == value.len()
                && node.iter().all(|(name, node)| value.get(name).is_some_and(|value| same(node, value)))
        }
        _ => false,
    }
}

fn has_float(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(list) => list.iter().any(has_float),
        Value::Object(map) => map.values().any(has_float),
        _ => false,
    }
}

fn without_texts(value: &mut Value) {
    match value {
        Value::String(text) => text.clear(),
        Value::Array(list) => list.iter_mut().for_each(without_texts),
        Value::Object(map) => map.values_mut().for_each(without_texts),
        _ => {}
    }
}

/// How many names JSON has: each has a colon behind it, and no other colon is outside a
/// text.
fn names_in(text: &[u8]) -> usize {
    let (mut count, mut inside, mut escaped) = (0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => inside = !inside,
            b':' if !inside => count += 1,
            _ => {}
        }
    }
    count
}

fn names_of(value: &Value) -> usize {
    match value {
        Value::Array(list) => list.iter().map(names_of).sum(),
        Value::Object(map) => map.len() + map.values().map(names_of).sum::<usize>(),
        _ => 0,
    }
}

/// A form is the pairs that stand there, no name twice; a query is the same, with pairs
/// that stand there twice alike.
fn of_pairs(data: &[u8]) {
    let pairs: Vec<_> = form_urlencoded::parse(data).collect();
    let is_text = pairs.iter().all(|(name, value)| !name.contains('\u{fffd}') && !value.contains('\u{fffd}'));
    let twice = |alike: bool| {
        pairs.iter().enumerate().any(|(at, (name, value))| {
            pairs.iter().skip(at + 1).any(|(other, said)| other == name && !(alike && said == value))
        })
    };
    let (read, asked) = (form(data), query(data));
    assert!(read.is_ok() == (is_text && !twice(false)), "a form was taken or refused wrongly");
    assert!(asked.is_ok() == (is_text && !twice(true)), "a query was taken or refused wrongly");
    let print = |node: &Node| digest(node, &|_| None);
    let Ok(node @ Node::Map(map)) = &asked else {
        assert!(asked.is_err(), "pairs are no object");
        return;
    };
    let is_there =
        |name: &str, said: &str| matches!(map.get(name), Some(Node::Text(text)) if **text == *said);
    assert!(pairs.iter().all(|(name, said)| is_there(name, said)), "a pair is another");
    assert!(map.len() <= pairs.len(), "there are more names than pairs");
    assert!(
        read.is_err() || read.as_ref().map(print) == Ok(print(node)),
        "a form is another than as a query"
    );
    let written = form_urlencoded::Serializer::new(String::new()).extend_pairs(&pairs).finish();
    let again = query(written.as_bytes()).ok();
    assert!(again.as_ref().map(print) == Some(print(node)), "written again, it is another form");
    fields(&Fields::of(node));
}

/// Reads every member in every way.
fn fields(fields: &Fields<'_>) {
    for name in fields.names() {
        for text in [Text::LINE, Text::ID, Text::SPACED_DIGITS, Text::DIGITS, Text::BASE64.up_to(8)] {
            let fits = |said: &str| !said.is_empty() && said.len() <= text.most && said.chars().all(text.of);
            let said = fields.text(name, text);
            let said = said.ok().flatten();
            assert!(said.is_none_or(fits), "a text is beyond its limits");
            assert!(fields.needed(name, text).ok() == said, "a text that must be there is another");
            let said = fields.text_or_number(name, text).ok().flatten();
            assert!(said.as_deref().is_none_or(fits), "a number is beyond its limits");
        }
        let _ = fields.flag(name);
        let (whole, decimal) = (fields.whole(name), fields.decimal(name));
        assert!(decimal != Ok(Some(0)), "an amount of nothing was taken");
        if let (Ok(Some(whole)), Ok(Some(hundredths))) = (whole, decimal) {
            assert!(whole.checked_mul(100) == Some(hundredths), "one number is two amounts");
        }
        if let Ok(inner) = fields.object(name) {
            self::fields(&inner);
        }
    }
}
