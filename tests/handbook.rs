//! The handbook, `docs/OPERATIONS.md`, is done as it stands there: its commands run from
//! top to bottom against a real daemon, and print what it shows.
//!
//! Each block of `sh` is run by one shell, one after the other. Paths of the host are
//! those of a scratch directory, and what a service manager does is done by `systemctl`
//! of `tests/handbook/host.sh`, out of the unit of the package. A block of `text` is what
//! the block before it prints: each line of it, in this order, `…` being anything.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Blocks that cannot run here: one more must be wanted.
const NOT_RUN: usize = 3;
/// Fewer than there are: a change that loses blocks is told.
const RUN: usize = 18;
/// Paths of the host, each a directory of the scratch directory here.
const PATHS: [&str; 5] = ["/var/lib/tallyd", "/etc/tallyd", "/run/tallyd", "/srv/backups", "/etc/systemd"];

/// A block of the handbook.
#[derive(Debug)]
struct Block {
    line: usize,
    /// What stands behind the fence.
    info: String,
    text: String,
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn handbook() -> String {
    fs::read_to_string(root().join("docs/OPERATIONS.md")).unwrap()
}

/// The fenced blocks of a document.
fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (at, line) in document.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                open = Some(Block { line: at + 1, info: info.to_owned(), text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block does not end");
    blocks
}

fn marker(line: usize) -> String {
    format!("-- the block at line {line}")
}

/// The blocks that run as one script, each begun by a line that names it.
fn script(blocks: &[Block], scratch: &Path) -> String {
    let host = root().join("tests/handbook/host.sh");
    let mut script = format!("ROOT={}\n. {}\n", scratch.display(), host.display());
    for block in blocks.iter().filter(|block| block.info == "sh") {
        let mut text = block.text.clone();
        for path in PATHS {
            text = text.replace(path, &format!("{}{path}", scratch.display()));
        }
        script += &format!("echo '{}'\n{text}", marker(block.line));
    }
    script + "echo '-- the end'\n"
}

/// The first line of `shown` that `printed` does not have, in order.
fn lacking<'s>(shown: &'s str, printed: &str) -> Option<&'s str> {
    let mut lines = printed.lines();
    shown.lines().find(|line| !lines.any(|printed| is_like(printed, line)))
}

/// Whether a line has all parts of another, in order.
fn is_like(printed: &str, shown: &str) -> bool {
    let mut rest = printed;
    shown.split('…').map(str::trim).all(|part| {
        let found = rest.find(part);
        rest = found.map_or("", |at| &rest[at + part.len()..]);
        found.is_some()
    })
}

#[test]
fn every_command_runs_and_prints_what_is_shown() {
    let blocks = blocks(&handbook());
    let scratch = tempfile::TempDir::with_prefix("tally-handbook-").unwrap();
    let script = script(&blocks, scratch.path());
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .env("BIN", Path::new(env!("CARGO_BIN_EXE_tally")).parent().unwrap())
        .env("UNIT", root().join("dist/systemd/tallyd.service"))
        .current_dir(scratch.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let told = format!("{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}");
    assert!(printed.ends_with("-- the end\n"), "{told}");
    let (mut ran, mut lacked) = (0, 0);
    for pair in blocks.windows(2) {
        let [block, next] = pair else { panic!() };
        if block.info != "sh" {
            continue;
        }
        ran += 1;
        let (_, of_block) = printed.split_once(&marker(block.line)).unwrap();
        let of_block = of_block.split_once("\n-- the ").unwrap().0;
        if next.info == "text" {
            let lacks = lacking(&next.text, of_block);
            lacks.into_iter().for_each(|line| {
                println!("line {}: not printed: {line}\n{of_block}", next.line);
                lacked += 1;
            });
        }
    }
    assert_eq!(lacked, 0, "what is shown is not what is printed");
    assert!(ran >= RUN, "{ran} blocks ran");
}

#[test]
fn what_is_not_run_says_why_and_is_counted() {
    let mut not_run = 0;
    for block in blocks(&handbook()) {
        match block.info.as_str() {
            "sh" | "text" => {}
            info => {
                let reason = info.strip_prefix("sh not run: ");
                let reason = reason.unwrap_or_else(|| panic!("line {}: a block of {info}", block.line));
                println!("not run, line {}: {reason}", block.line);
                assert!(reason.split_whitespace().count() > 3, "line {}: {reason}", block.line);
                not_run += 1;
            }
        }
    }
    assert_eq!(not_run, NOT_RUN);
}

#[test]
fn what_is_linked_is_there() {
    let text = handbook();
    let slug = |heading: &str| {
        let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -".contains(*letter));
        kept.collect::<String>().to_lowercase().replace(' ', "-")
    };
    let headings = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| slug(line.trim_start_matches(['#', ' '])))
            .collect()
    };
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    for target in targets {
        let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
        let there = if file.is_empty() { "OPERATIONS.md" } else { file };
        let linked = fs::read_to_string(root().join("docs").join(there));
        let linked = linked.unwrap_or_else(|_| panic!("no {target}"));
        assert!(anchor.is_empty() || headings(&linked).contains(&anchor.to_owned()), "no {target}");
    }
}

/// The reference shows how commands are used, with names in the place of values: so they
/// are not run, and what they name must be there.
#[test]
fn commands_and_options_of_the_reference_exist() {
    let text = handbook().replace("\\\n", " ");
    let used = text.lines().filter_map(|line| line.strip_prefix("    tally "));
    // Those that only a build with the feature has.
    let of_database = |line: &&str| line.starts_with("postgres ") || line.starts_with("migrate ");
    let mut count = 0;
    for line in used.filter(|line| cfg!(feature = "postgres") || !of_database(line)) {
        let line = line.split('#').next().unwrap_or_default();
        let words: Vec<_> = line.split_whitespace().collect();
        let is_name = |word: &&&str| word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-');
        let mut names: Vec<_> =
            words.iter().take_while(is_name).filter(|word| !word.starts_with('-')).collect();
        let mut help = help_of(&names);
        while help.is_none() && names.len() > 1 {
            names.pop();
            help = help_of(&names);
        }
        let help = help.unwrap_or_else(|| panic!("no command: tally {line}"));
        for option in
            words.iter().map(|word| word.trim_matches(['[', ']'])).filter(|word| word.starts_with("--"))
        {
            assert!(help.contains(option), "tally {line}: no {option}");
        }
        count += 1;
    }
    assert!(count > 30, "{count}");
}

fn help_of(names: &[&&str]) -> Option<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tally"));
    command.args(names.iter().map(|name| **name));
    let output = command.arg("--help").output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn what_is_shown_and_not_printed_is_found() {
    assert_eq!(lacking("a … c\n", "x\na b c\n"), None);
    assert_eq!(lacking("c … a\n", "a b c\n"), Some("c … a"));
    assert_eq!(lacking("b\na\n", "a\nb\n"), Some("a"));
    assert_eq!(lacking("accepted\naccepted\n", "accepted\n"), Some("accepted"));
}
