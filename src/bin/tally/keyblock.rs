//! `tally keyblock`: key blocks of TR-31 and X9.143.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};
use tallystick::keys::tr31::{Block, OptionalBlock};

use crate::arguments::keyblock::KeyblockTask;
use crate::output::{Failure, Output};

/// Most bytes of a file: a block has 9,999 characters at most.
const MAX: u64 = 16 * 1024;

/// Does what was asked.
pub fn run(task: &KeyblockTask, output: &Output) -> Result<(), Failure> {
    match task {
        KeyblockTask::Read { file } => read(file, output),
        KeyblockTask::Write(one) => crate::control::export_key(one, output),
    }
}

/// Shows a header. What is encrypted is no secret to whom it was sent, and is not shown.
fn read(path: &Path, output: &Output) -> Result<(), Failure> {
    let text = text(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    let block = Block::parse(text.trim_ascii())?;
    output.item(|| object(&block), || Some(lines(&block)));
    Ok(())
}

fn text(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().take(MAX).read_to_end(&mut text)?;
    } else {
        File::open(path)?.take(MAX).read_to_end(&mut text)?;
    }
    Ok(text)
}

fn object(block: &Block<'_>) -> Value {
    let header = block.header();
    let optional = |block: &OptionalBlock| json!({"id": id(block), "data": data(block)});
    json!({
        "ok": true, "verified": false,
        "version": header.version.letter(),
        "usage": header.usage.to_string(),
        "algorithm": header.algorithm.letter(),
        "mode": header.mode.letter(),
        "key_version": header.key_version.to_string(),
        "exportability": header.exportability.letter(),
        "context": header.context.letter(),
        "optional_blocks": header.optional.iter().map(optional).collect::<Vec<_>>(),
    })
}

fn lines(block: &Block<'_>) -> String {
    let header = block.header();
    let usage = header.usage.to_string();
    let version = header.key_version.to_string();
    let fields = [
        ("version", header.version.letter().to_string(), header.version.name()),
        ("usage", usage, header.usage.name().unwrap_or("in no table")),
        ("algorithm", header.algorithm.letter().to_string(), header.algorithm.name()),
        ("mode of use", header.mode.letter().to_string(), header.mode.name()),
        ("key version", version, header.key_version.name()),
        ("exportability", header.exportability.letter().to_string(), header.exportability.name()),
        ("context", header.context.letter().to_string(), header.context.name()),
    ];
    let mut lines: Vec<String> =
        fields.iter().map(|(field, value, name)| format!("{field:<15}{value:<4}{name}")).collect();
    let optional = |block: &OptionalBlock| format!("{:<15}{:<4}{}", "optional block", id(block), data(block));
    lines.extend(header.optional.iter().map(optional));
    lines.push("Nothing of this is verified: that needs the protection key.".to_owned());
    lines.join("\n")
}

/// Characters of ASCII, by parsing.
fn id(block: &OptionalBlock) -> String {
    block.id().map(char::from).iter().collect()
}

/// The same.
fn data(block: &OptionalBlock) -> String {
    block.data().iter().copied().map(char::from).collect()
}
