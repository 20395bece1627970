//! A real browser without a screen, driven by steps: `browser/drive.js` says which.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::sdk::libraries;

const WITHOUT: &str = "TALLYSTICK_WITHOUT_BROWSER";

/// Does the steps on a page, and says whether; nothing is done, and said so, if the
/// environment says to do without.
///
/// # Panics
/// If a step fails, or if the page does what a page of ours must not.
pub fn drive(url: &str, steps: &Value) -> bool {
    let Some(output) = driven(url, steps) else { return false };
    let told = format!("{}{}", text(&output.stdout), text(&output.stderr));
    let all = format!("{} steps", steps.as_array().unwrap().len());
    assert!(output.status.success() && told.contains(&all), "{told}");
    true
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

#[test]
fn a_card_number_that_is_sent_in_clear_is_found() {
    let page = "data:text/html,<input id=number><button onclick=\"fetch('http://127.0.0.1:1/?'%2B\
                encodeURIComponent(document.querySelector('%23number').value),{mode:'no-cors'})\">go</button>";
    let steps = json!([
        ["elsewhere", "127.0.0.1:1"],
        ["fill", "#number", "4012 8888 8888 1881"],
        ["click", "button"],
        ["title", ""]
    ]);
    let Some(output) = driven(page, &steps) else { return };
    let told = text(&output.stderr);
    assert!(!output.status.success() && told.contains("sent in clear") && !told.contains("4012"), "{told}");
}
