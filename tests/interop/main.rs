//! Random cases computed by independent implementations, in Python: `pyemv` for EMV,
//! `psec` for card verification values, and the package `cryptography` where neither
//! has an algorithm. `tally kat` must come to the same.
//!
//! Each file in `cases/` has `ALGORITHMS`: a function from a random generator to a
//! vector, by the name that `tally kat` knows it by. A new file needs nothing else.
//!
//! The packages are installed into a virtual environment under the target directory.
//! `TALLYSTICK_WITHOUT_PYTHON=1` leaves all this out; `TALLYSTICK_SEED` repeats a run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod python;
mod wrapping;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Cases of each algorithm.
const OF_EACH: usize = 60;

#[test]
fn a_thousand_random_cases_agree_and_none_does_when_it_is_changed() {
    let Some(python) = python::python() else { return };
    let seed = std::env::var("TALLYSTICK_SEED").unwrap_or_else(|_| fastrand::u64(..).to_string());
    println!("seed {seed}");
    let cases = generated(&python, &seed);
    let file: Value = serde_json::from_str(&cases).unwrap();
    let count = file["vectors"].as_array().unwrap().len();
    println!("{count} cases");
    assert!(count >= 1000, "{count} cases are too few");
    let expected = format!("{count} passed, 0 failed");
    assert_eq!(last_line(&kat("interop.json", &cases)), expected, "seed {seed}");
    let expected = format!("0 passed, {count} failed");
    assert_eq!(last_line(&kat("interop-changed.json", &changed(file))), expected, "seed {seed}");
}

fn generated(python: &Path, seed: &str) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/generate.py");
    let mut command = Command::new(python);
    command.args(["-W", "ignore", "-B"]).arg(script).args([seed, &OF_EACH.to_string()]);
    let made = command.output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).unwrap()
}

/// What `tally kat` says of these vectors.
fn kat(name: &str, vectors: &str) -> String {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&file, vectors).unwrap();
    let told = Command::new(env!("CARGO_BIN_EXE_tally")).arg("kat").arg(file).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    told.lines().filter(|line| line.starts_with("vector")).take(5).for_each(|line| println!("{line}"));
    told
}

fn last_line(told: &str) -> &str {
    told.lines().last().unwrap_or_default()
}

/// The same with the last digit of each answer changed.
fn changed(mut file: Value) -> String {
    for vector in file["vectors"].as_array_mut().unwrap() {
        let mut answer = vector["expected"].as_str().unwrap().to_owned();
        let last = answer.pop().unwrap();
        answer.push(if last == '7' { '8' } else { '7' });
        vector["expected"] = answer.into();
    }
    file.to_string()
}
