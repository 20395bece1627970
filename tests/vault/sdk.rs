//! The public client libraries, unmodified, drive a card's whole life at the vault.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use crate::shop::Shop;

const WITHOUT: &str = "TALLYSTICK_WITHOUT_CLIENTS";

/// Where the libraries are; none, and said so, if the environment says to do without.
///
/// # Panics
/// If they are not to be had.
pub fn libraries() -> Option<&'static Path> {
    static INSTALLED: OnceLock<Option<PathBuf>> = OnceLock::new();
    INSTALLED.get_or_init(install).as_deref()
}

fn install() -> Option<PathBuf> {
    if std::env::var_os(WITHOUT).is_some() {
        println!("NOT TESTED: {WITHOUT} is set");
        return None;
    }
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("vault-clients");
    let output = Command::new(here("install")).arg(&dir).output().unwrap();
    let hint = format!(
        "Python with venv, Node and npm are needed (on Debian python3-venv, nodejs, npm); {WITHOUT}=1 leaves \
         these tests out"
    );
    assert!(output.status.success(), "{}: {hint}", told(&output));
    Some(dir)
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vault/sdk").join(name)
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A shop of its own for each, so that none sees what another left.
fn drives(command: &mut Command, libraries: &Path, script: &str, shop: &Shop) {
    let credentials = [
        ("cashfree", "CF_CLIENT_ID", "CF_CLIENT_SECRET"),
        ("razorpay", "RZP_KEY_ID", "RZP_KEY_SECRET"),
        ("juspay", "JP_MERCHANT_ID", "JP_API_KEY"),
    ];
    for (api, id, secret) in credentials {
        for (merchant, prefix) in ["", "OTHER_"].iter().enumerate() {
            let (its_id, its_secret) = shop.credential(merchant, api);
            command.env(format!("{prefix}{id}"), its_id).env(format!("{prefix}{secret}"), its_secret);
        }
    }
    let output = command
        .arg(here(script))
        .arg(format!("http://{}", shop.address))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NODE_PATH", libraries.join("node/node_modules"))
        // One of the libraries reads the name and version in the working directory's package.
        .current_dir(libraries.join("node"))
        .output()
        .unwrap();
    let told = told(&output);
    let counted = told.lines().any(|line| line.ends_with(" checks") && !line.starts_with("0 "));
    assert!(output.status.success() && counted, "{told}");
}

fn python(environment: &str, script: &str) {
    let Some(libraries) = libraries() else { return };
    let interpreter = libraries.join(environment).join("bin/python");
    drives(
        Command::new(interpreter).args(["-W", "ignore"]),
        libraries,
        &format!("python/{script}"),
        &Shop::open(),
    );
}

fn node(script: &str) {
    let Some(libraries) = libraries() else { return };
    drives(&mut Command::new("node"), libraries, &format!("node/{script}"), &Shop::open());
}

#[test]
fn cashfree_pg_3_lives_a_cards_life() {
    python("cashfree-3", "cashfree_life.py");
}

#[test]
fn cashfree_pg_4_lives_a_cards_life() {
    python("cashfree-4", "cashfree_life.py");
}

#[test]
fn cashfree_pg_6_lives_a_cards_life() {
    python("newest", "cashfree_life.py");
}

#[test]
fn cashfree_pg_for_node_lives_a_cards_life() {
    node("cashfree_life.js");
}

#[test]
fn razorpay_lives_a_cards_life() {
    python("newest", "razorpay_life.py");
}

#[test]
fn razorpay_for_node_lives_a_cards_life() {
    node("razorpay_life.js");
}

#[test]
fn juspayp3_lives_a_cards_life() {
    python("newest", "juspay_life.py");
}

#[test]
fn expresscheckout_nodejs_lives_a_cards_life() {
    node("juspay_life.js");
}

#[test]
fn a_token_of_one_api_pays_through_another() {
    python("newest", "cross.py");
}
