//! Man pages and shell completions, from what `--help` prints:
//!
//!     cargo run --example generate -- DIR
//!
//! writes `DIR/man/*.1` and `DIR/completions/`, for bash, zsh and fish. Nothing of
//! it is kept in the repository, so nothing of it can be out of date.
#![allow(clippy::expect_used)]

/// Where the command line is.
#[path = "../src/bin/tally"]
#[allow(dead_code, unused_imports)]
mod tally {
    pub mod arguments;
}

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command, CommandFactory};
use clap_complete::Shell;
use tallystick::daemon::options::HELP;

fn main() -> std::io::Result<()> {
    let dir = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("target/generated"), PathBuf::from);
    let (man, completions) = (dir.join("man"), dir.join("completions"));
    for dir in [&man, &completions] {
        fs::create_dir_all(dir)?;
    }
    for mut command in [tally(), tallyd(HELP)] {
        clap_mangen::generate_to(command.clone(), &man)?;
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let name = command.get_name().to_owned();
            clap_complete::generate_to(shell, &mut command, name, &completions)?;
        }
    }
    println!("{}", files(&man)? + files(&completions)?);
    Ok(())
}

fn files(dir: &Path) -> std::io::Result<usize> {
    fs::read_dir(dir).map(Iterator::count)
}

fn tally() -> Command {
    tally::arguments::Arguments::command()
}

/// The daemon reads its arguments without clap, so its help is read back: a line of
/// what it is, the usage, a line or more for each option, and what else there is to say.
fn tallyd(help: &'static str) -> Command {
    let mut parts = help.split("\n\n");
    let title = parts.next().unwrap_or_default();
    let about = title.split_once(": ").map_or(title, |(_, about)| about);
    let mut command = Command::new("tallyd")
        .about(about)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_flag(true)
        .disable_version_flag(true);
    let mut rest = Vec::new();
    for part in parts {
        if part.trim_start().starts_with('-') {
            command = command.args(options(part));
        } else if let Some(usage) = part.strip_prefix("Usage: tallyd ") {
            command = command.override_usage(format!("tallyd {usage}"));
        } else {
            rest.push(part);
        }
    }
    command.after_help(rest.join("\n\n"))
}

/// The options of a block of help: names and value, two blanks or more, and what it is.
fn options(block: &'static str) -> Vec<Arg> {
    let mut args: Vec<Arg> = Vec::new();
    for line in block.lines() {
        let line = line.trim();
        if !line.starts_with('-') {
            // The line before goes on.
            if let Some(before) = args.pop() {
                let so_far = before.get_help().map(ToString::to_string).unwrap_or_default();
                args.push(before.help(format!("{so_far} {line}")));
            }
            continue;
        }
        let (names, help) = line.split_once("  ").unwrap_or((line, ""));
        let mut arg: Option<Arg> = None;
        let (mut short, mut value) = (None, None);
        for name in names.split([' ', ',']).filter(|name| !name.is_empty()) {
            if let Some(long) = name.strip_prefix("--") {
                arg = Some(Arg::new(long).long(long));
            } else if let Some(letter) = name.strip_prefix('-') {
                short = letter.chars().next();
            } else {
                value = Some(name);
            }
        }
        let arg = arg.expect("every option has a long name").help(help.trim());
        let arg = short.map_or(arg.clone(), |letter| arg.short(letter));
        args.push(match value {
            Some(value) => arg.value_name(value).value_hint(clap::ValueHint::AnyPath),
            None => arg.action(ArgAction::SetTrue),
        });
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(command: Command) -> String {
        let mut bytes = Vec::new();
        clap_mangen::Man::new(command).render(&mut bytes).unwrap();
        // As a reader sees it: roff writes a hyphen as `\-`.
        String::from_utf8(bytes).unwrap().replace("\\-", "-")
    }

    #[test]
    fn everything_that_the_daemon_s_help_tells_is_in_its_page() {
        let page = page(tallyd(HELP));
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let told = words(&page.replace(['\\', '[', ']', '<', '>'], " "));
        for word in HELP.split(|c: char| c.is_whitespace() || "[](),;:.".contains(c)) {
            let word = word.trim_matches(['`', '-']);
            // Its heading there is SYNOPSIS.
            assert!(
                word == "Usage" || told.iter().any(|had| had.contains(word)),
                "`{word}` is not in\n{page}"
            );
        }
        for option in HELP.split_whitespace().filter(|word| word.starts_with("--")) {
            let name = option.trim_start_matches("--").trim_end_matches(']');
            assert!(tallyd(HELP).get_arguments().any(|arg| arg.get_long() == Some(name)), "{name}");
        }
    }

    #[test]
    fn every_command_has_its_page_and_completions_know_every_option() {
        let dir = tempfile::tempdir().unwrap();
        clap_mangen::generate_to(tally(), dir.path()).unwrap();
        for command in tally().get_subcommands() {
            let path = dir.path().join(format!("tally-{}.1", command.get_name()));
            assert!(path.exists(), "{}", path.display());
        }
        for mut command in [tally(), tallyd(HELP)] {
            let name = command.get_name().to_owned();
            let mut bytes = Vec::new();
            clap_complete::generate(Shell::Bash, &mut command, name, &mut bytes);
            let text = String::from_utf8(bytes).unwrap();
            for arg in command.get_arguments().filter_map(Arg::get_long) {
                assert!(text.contains(&format!("--{arg}")), "{arg}");
            }
        }
    }
}
