//! Instructions of the hot path, counted by callgrind and compared with the
//! committed figures in `benches/instructions.toml`: more than 5 % up fails.
//!
//!     cargo bench --bench instructions              compares
//!     cargo bench --bench instructions -- --update  writes the figures anew
//!
//! This program runs itself under valgrind, with so many repetitions of one
//! operation and with twice as many: the difference is theirs alone, whatever it
//! took to set them up. Valgrind knows no SHA instructions, so HMAC counts here
//! as it costs without them.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "instructions/figures.rs"]
mod figures;
#[path = "instructions/operations.rs"]
mod operations;
#[path = "../tests/support/mod.rs"]
mod support;

use std::process::{Command, ExitCode};

use figures::Figures;
use operations::OPERATIONS;

/// Repetitions of an operation; a second run has twice as many.
const TIMES: u32 = 2048;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["--run", name, times] => run(name, times.parse().unwrap()),
        _ if arguments.contains(&"--test") => OPERATIONS.iter().for_each(|(name, _)| run(name, 2)),
        _ => return count_all(arguments.contains(&"--update")),
    }
    ExitCode::SUCCESS
}

/// Repeats one operation. What it needs is made for the most repetitions that
/// there are, so that it does not depend on their number.
fn run(name: &str, times: u32) {
    let (_, operation) = OPERATIONS.iter().find(|(known, _)| *known == name).expect("no such operation");
    operation(times, 2 * TIMES);
}

fn count_all(update: bool) -> ExitCode {
    let counted: Vec<_> = OPERATIONS.iter().map(|(name, _)| (*name, instructions_of(name))).collect();
    if update {
        Figures::write(&counted);
        return ExitCode::SUCCESS;
    }
    let (lines, passed) = Figures::read().compare(&counted);
    print!("{lines}");
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Instructions of one repetition, rounded.
fn instructions_of(name: &str) -> u64 {
    let (once, twice) = std::thread::scope(|scope| {
        let twice = scope.spawn(|| collected(name, 2 * TIMES));
        (collected(name, TIMES), twice.join().unwrap())
    });
    let more = twice.checked_sub(once).expect("twice as much takes more");
    (more + u64::from(TIMES / 2)) / u64::from(TIMES)
}

/// Instructions of a whole run.
fn collected(name: &str, times: u32) -> u64 {
    let dir = tempfile::TempDir::new().unwrap();
    let out = dir.path().join("out");
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(std::env::current_exe().unwrap())
        .args(["--run", name, &times.to_string()])
        .output()
        .expect("valgrind cannot be run: on Debian, apt-get install valgrind");
    assert!(run.status.success(), "{name}: {}", String::from_utf8_lossy(&run.stderr));
    let text = std::fs::read_to_string(out).unwrap();
    let totals = text.lines().find_map(|line| line.strip_prefix("totals: "));
    totals.expect("callgrind tells its totals").trim().parse().unwrap()
}
