//! What the dashboard and the alert rules ask for is what a daemon says, and what it says
//! is as Prometheus wants it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tallystick::types::Cryptogram;
use tallystick::wire::Status;

use crate::process::{Daemon, issue_of, provision, verify_of};

/// What Prometheus itself says of what it scrapes.
const OF_PROMETHEUS: [&str; 2] = ["up", "instance"];

fn dist(name: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("dist").join(name)).unwrap()
}

/// The metrics of a daemon at which something was done and something refused.
fn scrape() -> String {
    let daemon = Daemon::start();
    let mut client = daemon.client();
    let token = provision(&mut client);
    let cryptogram = client.issue(issue_of(&token), None).unwrap().cryptogram;
    client.verify(verify_of(&token, cryptogram), None).unwrap();
    client.verify(verify_of(&token, cryptogram), None).unwrap_err();
    let mut forged = *cryptogram.as_bytes();
    forged[19] ^= 1;
    let forged = Cryptogram::from_slice(&forged).unwrap();
    client.verify(verify_of(&token, forged), None).unwrap_err();
    daemon.metrics()
}

/// Samples by name: for each label, its values.
type Exported = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

fn exported(scrape: &str) -> Exported {
    let mut exported = Exported::new();
    for line in scrape.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        let labels = exported.entry(name.to_owned()).or_default();
        for (label, value) in labels_of(line) {
            labels.entry(label).or_default().insert(value);
        }
    }
    exported
}

/// What stands between the braces behind a name.
fn labels_of(selector: &str) -> Vec<(String, String)> {
    let Some((_, rest)) = selector.split_once('{') else { return Vec::new() };
    let inside = rest.split_once('}').unwrap().0;
    let pairs = inside.split(',').filter_map(|pair| pair.split_once('='));
    let plain = |text: &str| text.trim().trim_matches(['~', '!', '"']).to_owned();
    pairs.map(|(label, value)| (plain(label), plain(value))).collect()
}

/// The selectors of metrics in an expression: each name with what is in braces behind it.
fn selectors(expression: &str) -> Vec<&str> {
    let starts = expression.match_indices("tally_").map(|(at, _)| &expression[at..]);
    let until = |text: &str| {
        let name =
            text.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(text.len());
        if text[name..].starts_with('{') { name + text[name..].find('}').unwrap() + 1 } else { name }
    };
    starts.map(|text| &text[..until(text)]).collect()
}

/// Checks that an expression asks for nothing that is not there.
fn check(expression: &str, exported: &Exported) -> usize {
    let statuses: BTreeSet<_> = Status::ALL.iter().map(|status| status.name()).collect();
    let selectors = selectors(expression);
    for selector in &selectors {
        let name = selector.split('{').next().unwrap();
        let labels = exported.get(name).unwrap_or_else(|| panic!("no {name}: {expression}"));
        for (label, values) in labels_of(selector) {
            if OF_PROMETHEUS.contains(&label.as_str()) {
                continue;
            }
            let known = labels.get(&label).unwrap_or_else(|| panic!("no {label} of {name}"));
            for value in values.split('|') {
                let is_status = label == "status" && statuses.contains(value);
                assert!(known.contains(value) || is_status, "{name} has no {label} {value}");
            }
        }
    }
    for labels in expression.split(" by (").skip(1) {
        for label in labels.split(')').next().unwrap().split(',').map(str::trim) {
            let has = |selector: &&str| exported[selector.split('{').next().unwrap()].contains_key(label);
            let has_it = OF_PROMETHEUS.contains(&label) || selectors.iter().all(has);
            assert!(has_it, "no {label}: {expression}");
        }
    }
    selectors.len()
}

#[test]
fn dashboard_and_alerts_ask_for_what_is_exported() {
    let exported = exported(&scrape());
    let dashboard: serde_json::Value = serde_json::from_str(&dist("grafana/tallystick.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let shown: usize = targets.map(|target| check(target["expr"].as_str().unwrap(), &exported)).sum();
    assert!(shown > 20, "{shown}");
    // Comments apart, the rules are names and expressions.
    let rules = dist("prometheus/tallystick.rules.yml");
    let rules: String = rules.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let asked: usize = rules
        .split("expr:")
        .skip(1)
        .map(|rule| check(rule.split("labels: {severity").next().unwrap(), &exported))
        .sum();
    assert!(asked > 25, "{asked}");
    assert!(rules.contains("TallydRestarts"));
}

#[test]
fn every_alert_is_tested_and_the_handbook_says_what_to_do() {
    let (rules, tests) = (dist("prometheus/tallystick.rules.yml"), dist("prometheus/tallystick.test.yml"));
    let handbook = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/OPERATIONS.md")).unwrap();
    let names: Vec<_> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(names.len() > 12);
    for name in names {
        assert!(tests.contains(&format!("alertname: {name}\n")), "{name} is not tested");
        assert!(handbook.contains(&format!("`{name}`")), "nobody knows what to do about {name}");
    }
}

#[test]
fn the_true_reason_of_a_refusal_and_the_state_are_counted() {
    let text = scrape();
    for line in [
        "tally_refused_verifications_total{reason=\"replayed\"} 1",
        "tally_refused_verifications_total{reason=\"bad_mac\"} 1",
        "tally_refused_verifications_total{reason=\"token_locked\"} 0",
        "tally_state{state=\"serving\"} 1",
        "tally_state{state=\"sealed\"} 0",
        "tally_limit{of=\"connections\"} 512",
        "tally_limit{of=\"par_links\"} 1048576",
        "tally_par_links 0",
    ] {
        assert!(text.lines().any(|told| told == line), "no {line} in {text}");
    }
}

#[test]
fn how_a_daemon_ended_the_next_one_tells() {
    let mut daemon = Daemon::start();
    assert_eq!(daemon.last_end(), None);
    assert!(daemon.stop().success());
    daemon.launch();
    assert_eq!(daemon.last_end().as_deref(), Some("asked"));
    daemon.kill();
    daemon.launch();
    assert_eq!(daemon.last_end().as_deref(), Some("unsaid"));
    // A start that comes to nothing says nothing, nor does one that only looks.
    assert!(!daemon.spawn().wait().unwrap().success());
    assert!(daemon.stop().success());
    daemon.launch_sealed();
    assert_eq!(daemon.last_end().as_deref(), Some("asked"));
}

#[test]
fn promtool_finds_nothing_to_say_of_the_metrics() {
    let spawned = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut promtool) = spawned else {
        assert!(std::env::var_os("CI").is_none(), "CI must have promtool");
        return eprintln!("SKIPPED: no promtool here, of Debian's package prometheus");
    };
    // It reads the older text format, in which a counter's family is named as its sample.
    let text = scrape();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter"));
    let counters: Vec<String> = types.map(str::to_owned).collect();
    assert!(counters.len() > 4, "{counters:?}");
    let text = counters.iter().fold(text, |text, name| {
        let family = |what: &str, total: &str| format!("# {what} {name}{total} ");
        ["HELP", "TYPE"]
            .iter()
            .fold(text, |text, what| text.replace(&family(what, ""), &family(what, "_total")))
    });
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.trim().is_empty(), "{told}");
}

#[test]
fn what_is_not_exported_is_found() {
    let exported = exported("tally_a_total{status=\"ok\"} 1\ntally_b 2\n");
    let finds = |expression: &str| std::panic::catch_unwind(|| check(expression, &exported)).is_err();
    assert_eq!(check("sum by (status) (rate(tally_a_total{status=~\"ok|busy\"}[5m]))", &exported), 1);
    assert_eq!(check("tally_a_total / ignoring(status) tally_b{instance=\"h\"}", &exported), 2);
    for wrong in
        ["tally_c", "tally_b{status=\"ok\"}", "tally_a_total{status=\"okay\"}", "sum by (status) (tally_b)"]
    {
        assert!(finds(wrong), "{wrong}");
    }
}
