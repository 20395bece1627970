//! What is said of the APIs for programs is what they do: schemathesis makes requests of
//! `docs/openapi.yaml`, as the vault serves it, good ones and bad ones.

use std::process::Command;

use data_encoding::BASE64;

use crate::sdk::libraries;
use crate::shop::Shop;

/// Requests of each kind for each operation.
const EXAMPLES: &str = "15";

fn conforms(paths: &str, headers: impl FnOnce(&Shop) -> Vec<String>) {
    let Some(libraries) = libraries() else { return };
    let shop = Shop::open();
    let url = format!("http://{}", shop.address);
    let mut command = Command::new(libraries.join("openapi/bin/schemathesis"));
    command.args([
        "run",
        &format!("{url}/openapi.yaml"),
        "--url",
        &url,
        "--no-color",
        "--max-examples",
        EXAMPLES,
    ]);
    // What merchants know and a schema does not, as the ids of their orders, cannot be
    // made up: that such a request is refused is no fault.
    command.args(["--exclude-checks", "positive_data_acceptance", "--include-path-regex", paths]);
    for header in headers(&shop) {
        command.args(["--header", &header]);
    }
    let output = command.current_dir(&shop.dir).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    println!("{}", told.lines().rev().find(|line| line.contains("generated")).unwrap_or_default());
}

fn basic(user: &str, password: &str) -> Vec<String> {
    vec![format!("Authorization: Basic {}", BASE64.encode(format!("{user}:{password}").as_bytes()))]
}

#[test]
fn cashfree_is_as_it_is_described() {
    conforms("^/pg", |shop| {
        let (id, secret) = shop.credential(0, "cashfree");
        vec![format!("x-client-id: {id}"), format!("x-client-secret: {secret}")]
    });
}

#[test]
fn sessions_are_as_they_are_described() {
    conforms("^/sessions", |shop| {
        let (id, secret) = shop.credential(0, "sessions");
        basic(id, secret)
    });
}
