//! The committed figures.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

use serde::Deserialize;

/// How far above its figure a count may be, in percent.
const TOLERANCE: u64 = 5;

const HEAD: &str = "\
# Instructions of one operation, counted by callgrind; HMAC without SHA instructions.
# Compared in CI, where more than 5 % up fails. A change that is meant is written by
# `cargo bench --bench instructions -- --update`, with the reason in its commit.
";

/// What the file holds.
#[derive(Deserialize)]
#[serde(transparent)]
pub struct Figures(BTreeMap<String, u64>);

impl Figures {
    /// Reads the file.
    pub fn read() -> Self {
        toml::from_str(&std::fs::read_to_string(path()).unwrap()).unwrap()
    }

    /// Writes the file anew.
    pub fn write(counted: &[(&str, u64)]) {
        let lines = counted.iter().map(|(name, count)| format!("{name} = {count}\n"));
        std::fs::write(path(), HEAD.to_owned() + &lines.collect::<String>()).unwrap();
    }

    /// A line for each operation, and whether all are within the tolerance. An
    /// operation without a figure fails, and so does a figure without operation.
    pub fn compare(&self, counted: &[(&str, u64)]) -> (String, bool) {
        let (mut lines, mut passed) = (String::new(), true);
        for (name, count) in counted {
            let verdict = self.0.get(*name).map_or("has no figure", |figure| verdict(*count, *figure));
            passed &= verdict.starts_with("as");
            let figure = self.0.get(*name).copied().unwrap_or(0);
            writeln!(lines, "{name:<24} {count:>8} instructions, figure {figure:>8}: {verdict}").unwrap();
        }
        for name in self.0.keys().filter(|name| counted.iter().all(|(known, _)| known != name)) {
            passed = false;
            writeln!(lines, "{name:<24} is no operation").unwrap();
        }
        (lines, passed)
    }
}

fn verdict(count: u64, figure: u64) -> &'static str {
    if count * 100 > figure * (100 + TOLERANCE) {
        "TOO MANY"
    } else if count * 100 < figure * (100 - TOLERANCE) {
        "as few, and fewer: the figure should be written anew"
    } else {
        "as few"
    }
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("benches/instructions.toml")
}
