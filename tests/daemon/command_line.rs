//! `tally` as a person or a script uses it.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::process::{Daemon, PAN, PASSPHRASE, tally};

/// Runs with text on standard input.
fn fed(mut command: Command, input: &str) -> Output {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One that refuses before it reads closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!(
            "{error}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )
    })
}

fn run(daemon: &Daemon, arguments: &[&str]) -> Output {
    tally(daemon.dir.path(), arguments).arg("--json").output().unwrap()
}

fn provisioned(daemon: &Daemon) -> String {
    let arguments = [
        "provision",
        "--json",
        "--trid",
        "40010000001",
        "--expiry",
        "4912",
        "--consent",
        "--auth-provider",
        "bank",
        "--auth-reference",
        "pay_1",
    ];
    let output = fed(tally(daemon.dir.path(), &arguments), &format!("{PAN}\n"));
    assert!(output.status.success());
    json(&output)["token"].as_str().unwrap().to_owned()
}

#[test]
fn a_whole_life_by_hand() {
    let daemon = Daemon::start();
    let token = provisioned(&daemon);
    let pay = ["--token", &token, "--trid", "40010000001", "--amount", "100", "--currency", "INR"];
    let issued = json(&run(&daemon, &[&["issue"][..], &pay].concat()));
    let cryptogram = issued["cryptogram"].as_str().unwrap().to_owned();
    assert_eq!((issued["atc"].as_u64(), cryptogram.len()), (Some(1), 28));
    let verify = [&["verify", "--expiry", "4912", "--cryptogram", &cryptogram][..], &pay].concat();
    assert_eq!(json(&run(&daemon, &verify))["accepted"], true);
    let again = run(&daemon, &verify);
    assert_eq!(
        (again.status.code(), json(&again)["status"].as_str().unwrap().to_owned()),
        (Some(1), "replayed".into())
    );
    for (change, status) in [("suspend", "suspended"), ("resume", "active"), ("delete", "deactivated")] {
        assert_eq!(json(&run(&daemon, &["token", change, &token]))["status"], status);
    }
    assert_eq!(json(&run(&daemon, &["token", "show", &token]))["status_reason"], "requested");
    let listed = json(&run(&daemon, &["token", "list", "--trid", "40010000001"]));
    assert_eq!(listed["tokens"].as_array().unwrap().len(), 1);
    assert_eq!(json(&run(&daemon, &["status"]))["health"], "serving");
}

#[test]
fn short_values_renewal_linking_and_detokenizing() {
    let daemon = Daemon::start();
    let token = provisioned(&daemon);
    let of = ["--token", &token, "--trid", "40010000001"];
    let short = json(&run(&daemon, &[&["issue", "--short"][..], &of].concat()));
    let value = short["value"].as_str().unwrap().to_owned();
    let verify = [&["verify", "--expiry", "4912", "--value", &value][..], &of].concat();
    assert_eq!(json(&run(&daemon, &verify))["accepted"], true);
    assert_eq!(json(&run(&daemon, &["token", "renew", &token, "--expiry", "5001"]))["expiry"], "5001");
    let par = json(&run(&daemon, &["token", "show", &token]))["par"].as_str().unwrap().to_owned();
    let reissued = "4012888888881881";
    let linked = fed(tally(daemon.dir.path(), &["token", "link-par", &token, "--json"]), reissued);
    assert_eq!(json(&linked)["par"].as_str().unwrap(), par);
    let asked = fed(tally(daemon.dir.path(), &["par", "--json"]), reissued);
    assert_eq!(json(&asked)["par"].as_str().unwrap(), par);
    assert_eq!(json(&run(&daemon, &["token", "detokenize", &token]))["pan"], PAN);
    assert_eq!(json(&run(&daemon, &["token", "unlock", &token]))["ok"], true);
    let fingerprint = json(&fed(tally(daemon.dir.path(), &["fingerprint", "--json"]), PAN));
    assert_eq!(fingerprint["fingerprint"].as_str().unwrap().len(), 64);
    assert_eq!(fingerprint["fingerprint_short"].as_str().unwrap().len(), 26);
}

#[test]
fn a_keyed_retry_on_the_command_line() {
    let daemon = Daemon::start();
    let token = provisioned(&daemon);
    let keyed = ["issue", "--token", &token, "--trid", "40010000001", "--idempotency-key", "k1"];
    let once = json(&run(&daemon, &keyed));
    assert_eq!(json(&run(&daemon, &keyed)), once);
    let other = run(&daemon, &[&keyed[..], &["--amount", "5", "--currency", "INR"]].concat());
    assert_eq!(json(&other)["status"], "idempotency_conflict");
}

#[test]
fn what_is_missing_is_said_before_anything_is_sent() {
    let daemon = Daemon::start();
    let base = ["provision", "--trid", "40010000001", "--expiry", "4912"];
    let refused = fed(tally(daemon.dir.path(), &base), PAN);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--consent"));
    let refused = fed(tally(daemon.dir.path(), &[&base[..], &["--consent"]].concat()), PAN);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--auth-provider"));
    let nobody = tempfile::TempDir::new().unwrap();
    let refused = tally(nobody.path(), &["status"]).output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("is tallyd running?"));
    assert_eq!(refused.status.code(), Some(1));
}

#[test]
fn init_never_overwrites_and_takes_no_short_passphrase() {
    let daemon = Daemon::prepared(|config| config);
    let before = std::fs::read(daemon.path("keyring")).unwrap();
    let again = fed(tally(daemon.dir.path(), &["init"]), "another passphrase\n");
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(std::fs::read(daemon.path("keyring")).unwrap(), before);
    let fresh = tempfile::TempDir::new().unwrap();
    let short = fed(tally(&fresh.path().join("state"), &["init"]), "short\n");
    assert!(String::from_utf8_lossy(&short.stderr).contains("shorter than 8 bytes"));
    assert!(!fresh.path().join("state").join("keyring").exists());
}

#[test]
fn the_demo_tells_every_step() {
    let output = Command::new(env!("CARGO_BIN_EXE_tally")).args(["demo", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let text = String::from_utf8(output.stdout).unwrap();
    let steps: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(steps.iter().all(|step| step["ok"] == true && step["step"].is_string()));
    for wanted in [
        "two_tokens",
        "one_par",
        "one_fingerprint",
        "verify_again",
        "verify_other_amount",
        "issue_suspended",
        "resume",
        "retry",
        "retry_counter",
        "kill",
        "replay_after_kill",
        "issue_after_kill",
    ] {
        assert!(steps.iter().any(|step| step["step"] == wanted), "{wanted}");
    }
}

/// Four vectors of ours, each from an implementation in another language.
const VECTORS: &str = include_str!("native-kat.json");
/// Of the field: of `pyemv` and `psec`, and of EMV Book 2 with the package `cryptography`.
const FIELD_VECTORS: &str = include_str!("field-kat.json");

#[test]
fn known_answers_pass_and_no_tampered_one_does() {
    let dir = tempfile::TempDir::new().unwrap();
    let last_line = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_tally")).arg("kat").arg(&path).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (text.lines().last().unwrap().to_owned(), output.status.success())
    };
    for vectors in [VECTORS, FIELD_VECTORS] {
        let file: Value = serde_json::from_str(vectors).unwrap();
        let count = file["vectors"].as_array().unwrap().len();
        assert!(count >= 16);
        assert_eq!(last_line("good", vectors), (format!("{count} passed, 0 failed"), true));
        let mut tampered = file.clone();
        for vector in tampered["vectors"].as_array_mut().unwrap() {
            let expected = vector["expected"].as_str().unwrap();
            let last = if expected.ends_with('0') { "1" } else { "0" };
            vector["expected"] = format!("{}{last}", &expected[..expected.len() - 1]).into();
        }
        let none = (format!("0 passed, {count} failed"), false);
        assert_eq!(last_line("tampered", &tampered.to_string()), none);
    }
    let unknown = r#"{"vectors": [{"alg": "tally.token_key.v9", "expected": ""}]}"#;
    assert_eq!(last_line("unknown", unknown), ("0 passed, 1 failed".to_owned(), false));
}

#[test]
fn the_bench_measures_each_operation() {
    for op in ["ping", "issue", "verify"] {
        let output = Command::new(env!("CARGO_BIN_EXE_tally"))
            .args(["bench", "--json", "--op", op, "--connections", "2", "--depth", "8", "--tokens", "16"])
            .args(["--seconds", "1"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let measured = json(&output);
        assert!(
            measured["operations"].as_u64().unwrap() > 0 && measured["per_second"].as_f64().unwrap() > 0.0
        );
        assert!(
            measured["latency_ns"]["p50"].as_u64().unwrap()
                <= measured["latency_ns"]["p99"].as_u64().unwrap()
        );
    }
}

#[test]
fn a_passphrase_comes_on_standard_input() {
    let mut daemon = Daemon::prepared(|config| config);
    let rotate = |text: &str| {
        let arguments = ["rotate", "token-derivation", "--passphrase-file", "-"];
        fed(tally(daemon.dir.path(), &arguments), text).status.success()
    };
    assert!(!rotate(""));
    assert!(!rotate("another passphrase\n"));
    assert!(rotate(&format!("{PASSPHRASE}\nwhat follows is not read\n")));
    let file = std::fs::File::open(daemon.path("passphrase")).unwrap();
    daemon.launch_with(|command| command.args(["--passphrase-file", "-"]).stdin(file));
    let status = run(&daemon, &["status"]);
    assert_eq!(json(&status)["health"], "serving", "{}", json(&status));
}
