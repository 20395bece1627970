//! The examples and tables of `docs/WIRE.md`.

/// An annotated block of hex digits.
pub struct Example {
    pub is_request: bool,
    /// The name of the opcode.
    pub opcode: String,
    /// The whole frame.
    pub bytes: Vec<u8>,
}

pub fn text() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/WIRE.md")).unwrap()
}

/// Every block that begins with ```` ```hex request NAME ```` or `reply NAME`.
pub fn examples() -> Vec<Example> {
    let (mut found, text) = (Vec::new(), text());
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(title) = line.strip_prefix("```hex ") else { continue };
        let (direction, opcode) = title.split_once(' ').unwrap();
        assert!(direction == "request" || direction == "reply", "{title}");
        let block = lines.by_ref().take_while(|line| *line != "```");
        let digits: String = block.map(|line| line.split('#').next().unwrap().trim()).collect();
        let bytes = data_encoding::HEXLOWER.decode(digits.as_bytes()).unwrap();
        found.push(Example { is_request: direction == "request", opcode: opcode.to_owned(), bytes });
    }
    found
}

/// The rows of every table that begins with this head, as cells.
pub fn table(head: &str) -> Vec<Vec<String>> {
    let text = text();
    let rows = text.lines().skip_while(|line| *line != head).skip(2).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
    let rows: Vec<_> = rows.map(cells).collect();
    assert!(!rows.is_empty(), "no table {head}");
    rows
}
