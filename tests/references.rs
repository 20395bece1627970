//! The documents for reviewers cite tests as `file::function`, and each other: what
//! they cite is there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The documents, and fewer citations than each has.
const DOCUMENTS: [(&str, usize); 5] = [
    ("THREAT_MODEL.md", 80),
    ("CRYPTOGRAPHY.md", 20),
    ("PEER_FAILURES.md", 30),
    ("FUZZING.md", 3),
    ("MUTANTS.md", 10),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// What stands in backquotes and names a function of a file.
fn cited(text: &str) -> BTreeSet<(String, String)> {
    let quoted = text.split('`').skip(1).step_by(2);
    let named = quoted.filter_map(|quoted| quoted.split_once(".rs::"));
    named.map(|(file, function)| (format!("{file}.rs"), function.to_owned())).collect()
}

/// The files that links lead to.
fn linked(text: &str) -> BTreeSet<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let targets = targets.map(|(target, _)| target.to_owned());
    targets.filter(|target| !target.starts_with("https://")).collect()
}

/// Whether a file defines the function.
fn defines(file: &Path, function: &str) -> bool {
    let Ok(text) = fs::read_to_string(file) else { return false };
    text.contains(&format!("fn {function}("))
}

#[test]
fn every_test_that_is_cited_exists() {
    for (document, least) in DOCUMENTS {
        let text = fs::read_to_string(root().join("docs").join(document)).unwrap();
        let cited = cited(&text);
        assert!(cited.len() >= least, "{document} cites only {}", cited.len());
        for (file, function) in cited {
            assert!(defines(&root().join(&file), &function), "{document}: no {file}::{function}");
        }
    }
}

#[test]
fn every_file_that_is_linked_exists() {
    for (document, _) in DOCUMENTS {
        let text = fs::read_to_string(root().join("docs").join(document)).unwrap();
        for target in linked(&text) {
            assert!(root().join("docs").join(&target).exists(), "{document}: no {target}");
        }
    }
}

#[test]
fn what_is_missing_is_told() {
    let here = root().join("tests/references.rs");
    assert!(defines(&here, "defines") && !defines(&here, concat!("de", "fine")));
    assert!(!defines(&root().join("tests/no_such_file.rs"), "main"));
    let found = cited("see `tests/a.rs::b`, `c` and `src/d.rs`");
    assert_eq!(found, BTreeSet::from([("tests/a.rs".to_owned(), "b".to_owned())]));
    assert_eq!(linked("[a](b.md) [c](https://d/e)"), BTreeSet::from(["b.md".to_owned()]));
}
