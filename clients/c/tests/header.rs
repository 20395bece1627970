//! `include/tallystick.h` is what cbindgen makes of the sources, and has the wire's statuses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fmt::Write;
use std::path::Path;

use cbindgen::{Builder, Config, DocumentationStyle, Language};
use tallystick::wire::{Opcode, Status};

const HEAD: &str = "\
/* Tallystick's client for C. Made of clients/c/src by cbindgen: change it there, then run
 *
 *     TALLYSTICK_WRITE_HEADER=1 cargo test -p tallystick-c --test header
 *
 * Every function but those that name, free or wipe something returns 0 (TALLY_OK), a status of
 * the wire (docs/WIRE.md), or one of the codes from 0x10001 on. */";

fn header() -> String {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut config = Config {
        language: Language::C,
        cpp_compat: true,
        header: Some(HEAD.to_owned()),
        include_guard: Some("TALLYSTICK_H".to_owned()),
        no_includes: true,
        sys_includes: vec!["stddef.h".to_owned(), "stdint.h".to_owned()],
        trailer: Some(names()),
        documentation_style: DocumentationStyle::C99,
        usize_is_size_t: true,
        ..Config::default()
    };
    config.line_length = 100;
    let mut builder = Builder::new().with_config(config);
    for file in ["code", "layout", "ffi", "ffi/tokens", "ffi/payments", "ffi/cards"] {
        builder = builder.with_src(here.join("src").join(file).with_extension("rs"));
    }
    let mut made = Vec::new();
    builder.generate().unwrap().write(&mut made);
    // Safety is one matter for all functions in C: the first lines tell it.
    let text = String::from_utf8(made).unwrap();
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines() {
        match line {
            "// # Safety" => drop(lines.pop()),
            "// As all functions want it." => (),
            line => lines.push(line),
        }
    }
    lines.join("\n") + "\n"
}

/// Statuses and opcodes of the wire.
fn names() -> String {
    let mut text = String::from("// What the daemon may answer.\n");
    for status in Status::ALL.iter().filter(|status| **status != Status::Ok) {
        let name = status.name().to_uppercase();
        writeln!(text, "// {}\n#define TALLY_STATUS_{name} {:#06x}", status.says(), status.code()).unwrap();
    }
    text += "\n// What `tally_call` asks.\n";
    for opcode in Opcode::ALL {
        let name = opcode.name().to_uppercase();
        writeln!(text, "#define TALLY_OPCODE_{name} {:#06x}", opcode.number()).unwrap();
    }
    text
}

#[test]
fn the_header_is_of_these_sources() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("include/tallystick.h");
    let made = header();
    if std::env::var_os("TALLYSTICK_WRITE_HEADER").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "the header is out of date: TALLYSTICK_WRITE_HEADER=1 cargo test -p tallystick-c --test header"
    );
    assert!(made.contains("int32_t tally_issue(") && made.contains("#define TALLY_STATUS_REPLAYED 0x050d"));
}
