//! The house: module arrows run one way, files stay small and say what they are.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};

/// Each module and the modules it may use. What is not here may not exist.
const MAY_USE: &[(&str, &[&str])] = &[
    ("secmem", &[]),
    ("types", &["secmem"]),
    ("crypto", &["types", "secmem"]),
    ("audit", &["crypto", "types"]),
    ("cryptogram", &["crypto", "types", "secmem"]),
    ("account", &["crypto", "types", "secmem"]),
    ("keys", &["crypto", "types", "secmem"]),
    ("command", &["types"]),
    ("store", &["types"]),
    ("engine", &["secmem", "types", "crypto", "cryptogram", "account", "keys", "command", "store"]),
    ("entry", &["secmem", "types", "crypto", "command"]),
    ("wire", &["types", "command"]),
    ("client", &["wire", "types", "command"]),
    ("cards", &["wire", "types", "command"]),
    (
        "daemon",
        &[
            "secmem", "types", "crypto", "audit", "account", "keys", "command", "store", "engine", "entry",
            "wire",
        ],
    ),
    // As any other vault would, it reaches the engine through the client only.
    ("vault", &["client", "wire", "types", "command"]),
    (
        "fuzzing",
        &[
            "secmem",
            "types",
            "crypto",
            "audit",
            "cryptogram",
            "account",
            "keys",
            "command",
            "store",
            "engine",
            "entry",
            "wire",
            "cards",
            "daemon",
            "vault",
        ],
    ),
];

/// Lines of code and comment, without the tests at the end of a file.
const MOST_LINES: usize = 500;

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 50, "the walk found only {} files", found.len());
    found
}

/// The top-level module that a file of the library belongs to.
fn module_of(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    let name = first.trim_end_matches(".rs");
    (name != "lib" && name != "bin").then(|| name.to_owned())
}

/// The modules of this crate that a file's text names after `crate::`, also
/// inside braces: `use crate::{a, b}`.
fn used(text: &str) -> Vec<String> {
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut names = Vec::new();
    for rest in code.split("crate::").skip(1) {
        let name =
            |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        match rest.strip_prefix('{') {
            None => names.push(name(rest)),
            Some(list) => {
                // Names at depth one: nested braces belong to a module already named.
                let (mut depth, mut start) = (1, true);
                for (at, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => start = true,
                        c if c.is_whitespace() => {}
                        _ if depth == 1 && start => {
                            names.push(name(&list[at..]));
                            start = false;
                        }
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
    }
    names
}

fn allowed(module: &str, other: &str) -> bool {
    let rule = MAY_USE.iter().find(|(name, _)| *name == module);
    let (_, may) = rule.unwrap_or_else(|| panic!("module `{module}` is in no rule"));
    // Items of the crate's root that are no modules are not arrows.
    module == other || may.contains(&other) || !MAY_USE.iter().any(|(name, _)| *name == other)
}

#[test]
fn arrows_run_one_way() {
    let mut wrong = Vec::new();
    for path in sources() {
        let Some(module) = module_of(&path) else { continue };
        for other in used(&fs::read_to_string(&path).unwrap()) {
            if !allowed(&module, &other) {
                wrong.push(format!("{}: {module} uses {other}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_walk_sees_what_it_should() {
    assert_eq!(used("use crate::types::{Pan, Par};"), ["types"]);
    assert_eq!(used("use crate::{account, crypto::{a, b}, store};"), ["account", "crypto", "store"]);
    assert_eq!(used("// crate::engine\nlet x = crate::wire::f();"), ["wire"]);
    assert!(!allowed("types", "crypto") && !allowed("store", "crypto") && !allowed("client", "engine"));
    assert!(allowed("engine", "store") && allowed("engine", "engine"));
}

#[test]
fn rules_have_no_cycle() {
    for (at, (_, may)) in MAY_USE.iter().enumerate() {
        for other in *may {
            let place = MAY_USE.iter().position(|(name, _)| name == other).unwrap();
            assert!(place < at, "{other} must come before what uses it");
        }
    }
}

#[test]
fn unsafe_lives_in_secmem_only() {
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let has =
            text.contains("unsafe {") || text.contains("unsafe fn") || text.contains("allow(unsafe_code)");
        assert!(!has || module_of(&path).as_deref() == Some("secmem"), "{}", path.display());
    }
}

#[test]
fn files_are_small_and_say_what_they_are() {
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} has no `//!`", path.display());
        let lines = text.lines().count();
        assert!(lines <= MOST_LINES, "{} has {lines} lines", path.display());
    }
}
