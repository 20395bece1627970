//! Key blocks on the command line: known answers, and headers without a key; and a
//! daemon with imported keys.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tallystick::crypto::{KeyAlgorithm, KeyPurpose, SystemRandom};
use tallystick::keys::tr31::Exportability;
use tallystick::keys::{CheckMethod, CheckValue, Components, MAX_IMPORTED, SealedKeyring};
use tallystick::secmem::Region;
use tallystick::types::KeyLabel;

use crate::process::{Daemon, PASSPHRASE, provision, tally};

/// By `psec` and by Python's `cryptography`; some with optional blocks.
const VECTORS: &str = include_str!("key-block-kat.json");

fn kat(vectors: &Value) -> (String, bool) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(vectors.to_string().as_bytes()).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_tally")).arg("kat").arg(file.path()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (text.lines().last().unwrap().to_owned(), output.status.success())
}

/// Another last digit.
fn other(text: &str) -> String {
    let last = if text.ends_with('0') { "1" } else { "0" };
    format!("{}{last}", &text[..text.len() - 1])
}

#[test]
fn known_answers_pass_and_none_that_was_tampered_with() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let count = vectors["vectors"].as_array().unwrap().len();
    assert!(count >= 30);
    assert_eq!(kat(&vectors), (format!("{count} passed, 0 failed"), true));
    let tampered = |change: &dyn Fn(&mut Value) -> bool| {
        let mut twin = vectors.clone();
        let list = twin["vectors"].as_array_mut().unwrap();
        list.retain_mut(change);
        let count = list.len();
        assert!(count >= 8);
        assert_eq!(kat(&twin), (format!("0 passed, {count} failed"), false));
    };
    let changed = |field: &'static str, change: fn(&str) -> String| {
        move |vector: &mut Value| {
            let Some(text) = vector[field].as_str() else { return false };
            vector[field] = change(text).into();
            true
        }
    };
    tampered(&changed("expected", other));
    tampered(&changed("expected", |text| text[..2].to_owned()));
    tampered(&changed("key_block", other));
    tampered(&changed("key_block", |block| block.replacen("0N", "0E", 1).replacen("0S", "0N", 1) + "00"));
    tampered(&changed("key_block", |block| block.to_lowercase()));
    // The first digit of a byte: no bit of parity.
    let another = |text: &str| format!("{}{}", if text.starts_with('0') { "1" } else { "0" }, &text[1..]);
    tampered(&changed("kbpk", another));
    tampered(&changed("key", another));
}

fn read(text: &str, arguments: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tally"))
        .args(["keyblock", "read", "-"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    child.wait_with_output().unwrap()
}

const BLOCK: &str = "B0120P0TE00N0200TT0EHelloWorldPB0A0000008FE0CA0F00BAA9A1E3695A6C051FAB695FCE07E289BC0151D096909BB87670F63238670402E90A37\n";

#[test]
fn a_header_is_shown_without_a_key_and_is_not_said_to_be_verified() {
    let told: Value = serde_json::from_slice(&read(BLOCK, &["--json"]).stdout).unwrap();
    let optional = json!([{"id": "TT", "data": "HelloWorld"}, {"id": "PB", "data": "000000"}]);
    assert_eq!(told["optional_blocks"], optional);
    let fields = ["version", "usage", "algorithm", "mode", "key_version", "exportability", "context"];
    assert_eq!(fields.map(|field| told[field].as_str().unwrap()), ["B", "P0", "T", "E", "00", "N", "0"]);
    assert_eq!(told["verified"], false);
    let text = String::from_utf8(read(BLOCK, &[]).stdout).unwrap();
    assert!(
        text.contains("PIN encryption") && text.contains("HelloWorld") && text.contains("Nothing of this")
    );
    assert!(!text.contains("8FE0CA0F"), "what is encrypted is no part of the header");
}

#[test]
fn what_is_no_key_block_is_told() {
    for (text, told) in [
        ("", "cut short"),
        (&BLOCK[..60], "another length"),
        (&BLOCK.replacen('B', "X", 1), "version"),
        (&BLOCK.replacen("HelloWorld", "Hello\u{e9}orl", 1), "character"),
        (&"B".repeat(20_000), ""),
    ] {
        let output = read(text, &[]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(told), "{text:.20}: {error}");
    }
}

/// The most imported keys of one keyring, of the longest kind: the daemon serves with all of
/// them in locked memory, and the command line keeps them while it changes the rest.
#[test]
fn a_keyring_full_of_imported_keys_is_served_and_kept() {
    let mut daemon = Daemon::prepared(|config| config);
    let (file, region) = (daemon.path("keyring"), Region::new(256).unwrap());
    let open = |passphrase: &str| {
        let sealed = SealedKeyring::from_bytes(&std::fs::read(&file).unwrap()).unwrap();
        sealed.open(&region, &passphrase.as_bytes().to_vec().into()).unwrap()
    };
    let mut keys = open(PASSPHRASE);
    let value = |key: &[u8]| CheckValue::of(KeyAlgorithm::Aes256, CheckMethod::Cmac, key).unwrap();
    for nth in 0..MAX_IMPORTED {
        let mut components = Components::new(&region, KeyAlgorithm::Aes256).unwrap();
        let (one, two) = ([0x11; 32], [0x80 + nth as u8; 32]);
        components.give(&one, value(&one)).unwrap();
        components.give(&two, value(&two)).unwrap();
        let (label, check) =
            (KeyLabel::parse(&format!("imk-{nth}")).unwrap(), components.check_value().unwrap());
        let (purpose, export) = (KeyPurpose::EmvIssuerMaster, Exportability::No);
        keys.import_components(&SystemRandom, label, purpose, export, &components, check).unwrap();
    }
    std::fs::write(&file, keys.seal(&SystemRandom).unwrap().to_bytes()).unwrap();
    let infos: Vec<_> = keys.imported_infos().cloned().collect();

    daemon.launch();
    provision(&mut daemon.client());
    assert!(daemon.stop().success(), "{}", daemon.log());
    let run = |arguments: &[&str]| {
        let output = tally(daemon.dir.path(), arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let passphrase = daemon.path("passphrase").to_str().unwrap().to_owned();
    run(&["rotate", "token-derivation", "--passphrase-file", &passphrase]);
    run(&["audit", "verify", "--passphrase-file", &passphrase]);
    let kept: Vec<_> = open(PASSPHRASE).imported_infos().cloned().collect();
    assert_eq!(kept, infos);
}
