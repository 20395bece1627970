//! A real browser without a screen, driven by steps: `browser/drive.js` says which.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::sdk::libraries;

const WITHOUT: &str = "TALLYSTICK_WITHOUT_BROWSER";

/// Does the steps on a page; nothing, and said so, if the environment says to do without.
///
/// # Panics
/// If a step fails, or if the page does what a page of ours must not.
pub fn drive(url: &str, steps: &Value) {
    let Some(output) = driven(url, steps) else { return };
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

fn driven(url: &str, steps: &Value) -> Option<Output> {
    if std::env::var_os(WITHOUT).is_some() {
        println!("NOT TESTED: {WITHOUT} is set");
        return None;
    }
    let modules = libraries()?.join("node/node_modules");
    let chromium = std::env::var_os("CHROMIUM").unwrap_or_else(|| "/usr/bin/chromium".into());
    assert!(
        Path::new(&chromium).exists(),
        "Chromium is needed (on Debian chromium); {WITHOUT}=1 leaves these tests out"
    );
    let mut child = Command::new("node")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vault/browser/drive.js"))
        .arg(url)
        .env("NODE_PATH", modules)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(steps.to_string().as_bytes()).unwrap();
    Some(child.wait_with_output().unwrap())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const PAGE: &str = "data:text/html,<title>Shop</title><input id=name><button onclick=\"document.title=document.\
                    querySelector('%23name').value\">go</button>";

#[test]
fn a_page_opens_and_does_what_its_script_says() {
    let steps =
        json!([["title", "^Shop$"], ["fill", "#name", "Asha"], ["click", "button"], ["title", "^Asha$"]]);
    drive(PAGE, &steps);
}

#[test]
fn what_a_page_must_not_do_is_found() {
    for (page, found) in [
        ("data:text/html,<script>nowhere()</script>", "script error"),
        ("data:text/html,<img src=http://127.0.0.1:1/>", "request to 127.0.0.1:1"),
    ] {
        let Some(output) = driven(page, &json!([["title", ""]])) else { return };
        assert!(
            !output.status.success() && text(&output.stderr).contains(found),
            "{found}: {}",
            text(&output.stderr)
        );
    }
}
