//! `tally provision --file`: many cards, and every way to be interrupted.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tallystick::types::{TokenNumber, luhn_check_digit};

use crate::process::{Daemon, tally};

const OPTIONS: [&str; 7] =
    ["--trid", "40010000001", "--consent", "--auth-provider", "bank", "--auth-reference", "pay_1"];

/// The PAN of the nth card.
pub fn pan(nth: usize) -> String {
    let mut digits = format!("4929{nth:011}").into_bytes();
    digits.push(luhn_check_digit(&digits));
    String::from_utf8(digits).unwrap()
}

/// A file of cards in a daemon's directory.
pub struct Cards {
    pub file: PathBuf,
    pub out: PathBuf,
    /// The line of each card and its PAN.
    pub pans: Vec<(u64, String)>,
}

impl Cards {
    /// So many good cards, with a comment now and then so that lines are not counted as cards.
    pub fn write(daemon: &Daemon, count: usize) -> Self {
        let (mut text, mut line, mut pans) = (String::new(), 0, Vec::new());
        for nth in 0..count {
            if nth % 97 == 3 {
                text += "# a comment\n\n";
                line += 2;
            }
            line += 1;
            text += &format!("{},4912\n", pan(nth));
            pans.push((line, pan(nth)));
        }
        let file = daemon.path("cards.csv");
        fs::write(&file, text).unwrap();
        Self { out: daemon.path("cards.csv.tokens.csv"), file, pans }
    }

    pub fn command(&self, daemon: &Daemon) -> Command {
        let mut command = tally(daemon.dir.path(), &["provision"]);
        command.arg("--file").arg(&self.file).args(OPTIONS);
        command
    }

    fn run(&self, daemon: &Daemon) -> Output {
        self.command(daemon).output().unwrap()
    }

    fn spawn(&self, daemon: &Daemon) -> Child {
        self.command(daemon).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Whole lines in the record.
    fn lines(&self) -> usize {
        fs::read(&self.out).map_or(0, |bytes| bytes.iter().filter(|byte| **byte == b'\n').count())
    }

    /// Waits until there are more lines in the record than `lines`, the file not
    /// being done: an interruption then comes in the middle.
    fn wait_for_more_than(&self, lines: usize) {
        let begun = Instant::now();
        while self.lines() <= lines {
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing is written");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Rows of the record, each as its fields.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let text = fs::read_to_string(&self.out).unwrap();
        let rows = text.lines().skip(2);
        rows.map(|row| row.split(',').map(str::to_owned).collect()).collect()
    }

    /// The record is whole and in order; there are as many tokens as cards; each
    /// token is of the card of its line.
    fn assert_complete(&self, daemon: &Daemon) {
        let rows = self.rows();
        let lines: Vec<u64> = rows.iter().map(|row| row[0].parse().unwrap()).collect();
        assert_eq!(lines, self.pans.iter().map(|(line, _)| *line).collect::<Vec<_>>());
        assert!(rows.iter().all(|row| row[1] == "ok"));
        let tokens: BTreeSet<_> = rows.iter().map(|row| row[2].clone()).collect();
        assert_eq!(tokens.len(), self.pans.len());
        assert_eq!(held(daemon), self.pans.len() as u64, "a card has two tokens");
        let mut client = daemon.client();
        for (row, (_, pan)) in rows.iter().zip(&self.pans) {
            let token = TokenNumber::parse(row[2].as_bytes()).unwrap();
            assert_eq!(client.detokenize(token).unwrap().pan.expose_digits(), pan.as_bytes());
        }
    }
}

/// Tokens held by the daemon.
fn held(daemon: &Daemon) -> u64 {
    daemon.admin().status().unwrap().tokens
}

/// A configuration with another limit.
fn limited(limit: &str) -> impl FnOnce(String) -> String {
    move |config| format!("{config}\n[limits]\n{limit}\n")
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn good_lines_are_saved_and_bad_ones_listed_with_their_numbers() {
    // A small window, so that a handful does not go out at once.
    let daemon = Daemon::start_with(limited("in_flight = 16"));
    let lines = [
        "\u{feff}Expiry,PAN,auth_reference",
        "",
        "# saved before",
        &format!("4912,{},pay_7", pan(1)),
        &format!("4912,{}", &pan(2)[..11]),
        &format!("4912,{}1", &pan(3)[..14]),
        &format!("4913,{}", pan(4)),
        &format!("2001,{}", pan(5)),
        "4912,5555555555554444",
        &format!("4912,{},x,y", pan(6)),
        &format!("4912,{},{}", pan(7), "x".repeat(2000)),
        "4912,6074820000000009",
        &format!(" 4912 , \"{}\" ,", pan(8)),
    ];
    let cards = Cards { file: daemon.path("c.csv"), out: daemon.path("out"), pans: Vec::new() };
    fs::write(&cards.file, lines.join("\r\n")).unwrap();
    let once = || cards.command(&daemon).arg("--out").arg(&cards.out).output().unwrap();
    let first = once();
    assert_eq!(first.status.code(), Some(1), "{}", errors(&first));
    let statuses = [
        ("4", "ok"),
        ("5", "pan_length"),
        ("6", "pan_luhn"),
        ("7", "expiry_malformed"),
        ("8", "expiry_past"),
        ("9", "ok"),
        ("10", "columns"),
        ("11", "line_too_long"),
        ("12", "auth_reference_required"),
        ("13", "ok"),
    ];
    let rows = cards.rows();
    assert_eq!(rows.iter().map(|row| (row[0].as_str(), row[1].as_str())).collect::<Vec<_>>(), statuses);
    let said = errors(&first);
    for (line, status) in statuses.iter().filter(|(_, status)| *status != "ok") {
        assert!(said.contains(&format!("line {line}: ")) && said.contains(&format!("[{status}]")), "{said}");
    }
    let mut client = daemon.client();
    for (place, pan) in [(0, pan(1)), (9, pan(8))] {
        let row = &rows[place];
        let view = client.show(TokenNumber::parse(row[2].as_bytes()).unwrap()).unwrap();
        let expiry = view.expiry.to_string();
        assert_eq!(row[3..6], [expiry, view.par.as_str().to_owned(), view.fingerprint.to_hex()]);
        assert_eq!(row[6], format!("xxxxxxxxxxxx{}", &pan[12..]));
        assert_eq!(client.detokenize(view.token).unwrap().pan.expose_digits(), pan.as_bytes());
    }
    // Again: the same end, and nothing is made or written.
    let record = fs::read(&cards.out).unwrap();
    let again = once();
    assert_eq!((again.status.code(), again.stdout), (Some(1), first.stdout.clone()));
    assert_eq!((fs::read(&cards.out).unwrap(), held(&daemon)), (record.clone(), 3));
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&cards.out).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    // Nothing tells a PAN.
    for text in [record, first.stdout, first.stderr, daemon.log().into_bytes()] {
        for pan in (1..9).map(pan) {
            let shown = text.windows(8).any(|part| pan.as_bytes().windows(8).any(|digits| digits == part));
            assert!(!shown, "{}", String::from_utf8_lossy(&text));
        }
    }
}

#[test]
fn killed_again_and_again_every_card_gets_one_token() {
    let daemon = Daemon::start();
    let cards = Cards::write(&daemon, 6000);
    for _ in 0..3 {
        let before = cards.lines();
        let mut child = cards.spawn(&daemon);
        cards.wait_for_more_than(before.max(2));
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().code(), None, "it was done before it was killed");
        assert!(cards.lines() < 6002);
    }
    let output = cards.run(&daemon);
    assert_eq!(output.status.code(), Some(0), "{}", errors(&output));
    assert!(errors(&output).contains("saving cards: 6,000 of 6,000"), "{}", errors(&output));
    cards.assert_complete(&daemon);
}

#[test]
fn a_killed_daemon_ends_it_and_it_goes_on_with_the_next() {
    let mut daemon = Daemon::start();
    let cards = Cards::write(&daemon, 6000);
    for _ in 0..2 {
        let before = cards.lines();
        let child = cards.spawn(&daemon);
        cards.wait_for_more_than(before.max(2));
        daemon.kill();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(errors(&output).contains("the same command again goes on"), "{}", errors(&output));
        assert!(cards.lines() < 6002);
        daemon.launch();
    }
    assert_eq!(cards.run(&daemon).status.code(), Some(0));
    cards.assert_complete(&daemon);
}

#[test]
fn an_interruption_finishes_what_is_under_way() {
    let daemon = Daemon::start();
    let cards = Cards::write(&daemon, 6000);
    let child = cards.spawn(&daemon);
    cards.wait_for_more_than(2);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", errors(&output));
    assert!(errors(&output).contains("interrupted; "), "{}", errors(&output));
    // Every token that was made stands in the record, though the file is not done.
    assert_eq!(held(&daemon), cards.rows().len() as u64);
    assert!(cards.rows().len() < 6000);
    assert_eq!(cards.run(&daemon).status.code(), Some(0));
    cards.assert_complete(&daemon);
}

#[test]
fn however_the_record_is_cut_off_it_becomes_what_it_was() {
    let daemon = Daemon::start();
    let cards = Cards::write(&daemon, 700);
    assert_eq!(cards.run(&daemon).status.code(), Some(0));
    let whole = fs::read(&cards.out).unwrap();
    for len in [whole.len() - 1, whole.len() - 40, whole.len() / 2, 150, 60, 20, 1, 0] {
        fs::write(&cards.out, &whole[..len]).unwrap();
        assert_eq!(cards.run(&daemon).status.code(), Some(0), "{len}");
        assert!(fs::read(&cards.out).unwrap() == whole, "{len}");
    }
    // Without a record at all, too: the keys are those of the file.
    fs::remove_file(&cards.out).unwrap();
    assert_eq!(cards.command(&daemon).args(["--connections", "1"]).output().unwrap().status.code(), Some(0));
    assert!(fs::read(&cards.out).unwrap() == whole);
    cards.assert_complete(&daemon);
}

#[test]
fn another_file_other_options_or_a_damaged_record_are_refused() {
    let daemon = Daemon::start();
    let cards = Cards::write(&daemon, 300);
    assert_eq!(cards.run(&daemon).status.code(), Some(0));
    let (good, record) = (fs::read(&cards.file).unwrap(), fs::read(&cards.out).unwrap());
    let refused = |command: &mut Command, why: &str| {
        let before = fs::read(&cards.out).unwrap();
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(errors(&output).contains(why), "{}", errors(&output));
        assert_eq!((fs::read(&cards.out).unwrap(), held(&daemon)), (before, 300));
    };
    // One more card behind those that are done.
    fs::write(&cards.file, [&good[..], format!("{},4912\n", pan(999)).as_bytes()].concat()).unwrap();
    refused(&mut cards.command(&daemon), "the file was changed");
    fs::write(&cards.file, &good).unwrap();
    refused(cards.command(&daemon).args(["--merchant", "m_1"]), "the options are others");
    refused(cards.command(&daemon).arg("--out").arg(daemon.path("tallyd.toml")), "it is not overwritten");
    refused(cards.command(&daemon).arg("--out").arg(&cards.file), "it is not overwritten");
    let line = record.iter().position(|byte| *byte == b'\n').unwrap();
    let mut damaged = record.clone();
    damaged[line + 100] = b'\n';
    fs::write(&cards.out, damaged).unwrap();
    refused(&mut cards.command(&daemon), "is damaged behind the card of line");
    assert!(fs::read_to_string(daemon.path("tallyd.toml")).unwrap().contains("[[peer]]"));
}

/// The name of a job stands in its record, and its keys in the database: neither
/// may be a digest that anyone can compute who guesses a short file of cards.
#[test]
fn the_same_file_is_another_job_at_another_daemon() {
    let daemons = [Daemon::start(), Daemon::start()];
    let names = daemons.each_ref().map(|daemon| {
        let cards = Cards::write(daemon, 1);
        assert!(cards.run(daemon).status.success());
        let record = fs::read_to_string(cards.out).unwrap();
        record.lines().next().unwrap().to_owned()
    });
    assert_ne!(names[0], names[1]);
    assert_eq!(names[0].len(), "# tally provision 1 ".len() + 32);
}

#[test]
fn full_memory_ends_it_in_order_and_names_the_limit() {
    let mut daemon = Daemon::start_with(limited("idempotency_keys = 300"));
    let cards = Cards::write(&daemon, 1000);
    let output = cards.run(&daemon);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("limits.idempotency_keys"), "{}", errors(&output));
    assert_eq!(held(&daemon), 300);
    daemon.stop();
    let config = fs::read_to_string(daemon.path("tallyd.toml")).unwrap();
    fs::write(daemon.path("tallyd.toml"), config.replace("keys = 300", "keys = 1000")).unwrap();
    daemon.launch();
    assert_eq!(cards.run(&daemon).status.code(), Some(0));
    cards.assert_complete(&daemon);
}

#[test]
fn a_day_later_the_user_is_asked() {
    let daemon = Daemon::start();
    let cards = Cards::write(&daemon, 300);
    assert_eq!(cards.run(&daemon).status.code(), Some(0));
    let whole = fs::read(&cards.out).unwrap();
    let age = |hours: u64| {
        let file = fs::OpenOptions::new().write(true).open(&cards.out).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(hours * 3600)).unwrap();
    };
    // Nothing is left to do: nothing is asked.
    age(25);
    assert_eq!(cards.run(&daemon).status.code(), Some(0));
    fs::write(&cards.out, &whole[..whole.len() / 2]).unwrap();
    age(25);
    for _ in 0..2 {
        let refused = cards.run(&daemon);
        assert_eq!(refused.status.code(), Some(1));
        assert!(errors(&refused).contains("--late"), "{}", errors(&refused));
    }
    assert_eq!(cards.command(&daemon).arg("--late").output().unwrap().status.code(), Some(0));
    assert!(fs::read(&cards.out).unwrap() == whole);
    fs::write(&cards.out, &whole[..whole.len() / 2]).unwrap();
    age(23);
    assert_eq!(cards.run(&daemon).status.code(), Some(0));
}

#[test]
fn json_has_no_progress_and_a_limit_of_the_daemon_rejects_no_card() {
    let mut daemon = Daemon::start_with(limited("tokens = 100"));
    let cards = Cards::write(&daemon, 150);
    let run = |daemon: &Daemon| cards.command(daemon).arg("--json").output().unwrap();
    let told = |output: &Output| -> Value { serde_json::from_slice(&output.stdout).unwrap() };
    let ended = run(&daemon);
    assert_eq!((ended.status.code(), ended.stderr.len()), (Some(1), 0));
    assert_eq!(told(&ended)["status"], "token_limit");
    assert_eq!((cards.rows().len(), held(&daemon)), (100, 100));
    daemon.stop();
    let config = fs::read_to_string(daemon.path("tallyd.toml")).unwrap();
    fs::write(daemon.path("tallyd.toml"), config.replace("tokens = 100", "tokens = 150")).unwrap();
    daemon.launch();
    let done = run(&daemon);
    assert_eq!((done.status.code(), done.stderr.len()), (Some(0), 0));
    let told = told(&done);
    assert_eq!(
        (told["saved"].as_u64(), told["rejected"].as_u64(), &told["ok"]),
        (Some(150), Some(0), &true.into())
    );
    cards.assert_complete(&daemon);
}

#[test]
fn one_at_a_time_and_files_only() {
    let daemon = Daemon::start();
    let cards = Cards::write(&daemon, 10);
    let held = fs::File::create(&cards.out).unwrap();
    held.lock().unwrap();
    let output = cards.run(&daemon);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("is being written by another process"), "{}", errors(&output));
    drop(held);
    for (file, why) in
        [(daemon.path("nothing"), "No such file"), (daemon.dir.path().to_owned(), "is not a file")]
    {
        let output =
            tally(daemon.dir.path(), &["provision"]).arg("--file").arg(file).args(OPTIONS).output().unwrap();
        assert!(errors(&output).contains(why), "{}", errors(&output));
    }
    assert_eq!(cards.run(&daemon).status.code(), Some(0));
    cards.assert_complete(&daemon);
}
