//! What is said of the APIs for programs is what they do: schemathesis makes requests of
//! `docs/openapi/`, as the vault serves it, good ones and bad ones. What is served is
//! described, and what is described is served.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use data_encoding::BASE64;

use crate::sdk::libraries;
use crate::shop::Shop;

/// Requests of each kind for each operation.
const EXAMPLES: &str = "8";
/// The same requests each time: another number finds what these did not.
const SEED: &str = "1";

fn conforms(paths: &str, headers: impl FnOnce(&Shop) -> Vec<String>) {
    let Some(libraries) = libraries() else { return };
    let shop = Shop::open();
    let url = format!("http://{}", shop.address);
    // With another merchant's name all that one learns is 401.
    let name = shop.credential(0, "juspay").0;
    let known: String = ["header.x-merchantid", "query.merchant_id", "path.merchant_id"]
        .map(|place| format!("\"{place}\" = \"{name}\"\n"))
        .concat();
    std::fs::write(shop.dir.path().join("schemathesis.toml"), format!("[parameters]\n{known}")).unwrap();
    let mut command = Command::new(libraries.join("openapi/bin/schemathesis"));
    command.args([
        "run",
        &format!("{url}/openapi.yaml"),
        "--url",
        &url,
        "--no-color",
        "--max-examples",
        EXAMPLES,
        "--seed",
        SEED,
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
    conforms("^/pg/", |shop| {
        let (id, secret) = shop.credential(0, "cashfree");
        vec![format!("x-client-id: {id}"), format!("x-client-secret: {secret}")]
    });
}

#[test]
fn razorpay_is_as_it_is_described() {
    conforms("^/v1/", |shop| {
        let (id, secret) = shop.credential(0, "razorpay");
        basic(id, secret)
    });
}

#[test]
fn juspay_is_as_it_is_described() {
    conforms("^/(card|cards|order|orders|txns|pay/start)(/|$)", |shop| {
        basic(shop.credential(0, "juspay").1, "")
    });
}

#[test]
fn sessions_are_as_they_are_described() {
    conforms("^/sessions(/|$)", |shop| {
        let (id, secret) = shop.credential(0, "sessions");
        basic(id, secret)
    });
}

/// What is served for people, and the document itself.
const NOT_APIS: [&str; 10] = [
    "get /pay/{}",
    "post /pay/{}",
    "get /acs/{}",
    "post /acs/{}",
    "get /assets/{}",
    "get /shop",
    "post /shop",
    "get /shop/{}",
    "get /operator",
    "get /openapi.yaml",
];

#[test]
fn what_is_served_is_described_and_what_is_described_is_served() {
    let mut served = BTreeSet::new();
    routes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/vault"), &mut served);
    for page in NOT_APIS {
        assert!(served.remove(page), "{page} is not served");
    }
    let document = Shop::open().ask("GET", "/openapi.yaml", &[], b"");
    assert_eq!(document.header("content-type"), Some("application/yaml"));
    assert_eq!(served, described(&document.body));
    assert!(served.len() > 40, "{served:?}");
}

/// The methods and paths of `.route("...", get(...).post(...))` in the sources below.
fn routes(dir: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            routes(&path, found);
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap_or_default();
        for route in source.split(".route(").skip(1) {
            // Up to where its parenthesis closes.
            let mut open = 1;
            let end = route.find(|c| {
                open += i32::from(c == '(') - i32::from(c == ')');
                open == 0
            });
            let route = &route[..end.unwrap()];
            let path = route.split('"').nth(1).unwrap();
            let before = found.len();
            for method in ["get", "post", "put", "patch", "delete"] {
                let called = format!("{method}(");
                if route.split(&called).skip(1).count() > 0 {
                    found.insert(format!("{method} {}", unnamed(path)));
                }
            }
            assert!(found.len() > before, "no method, or served twice: {path}");
        }
    }
}

/// The same of a document in which each path stands two spaces, each method four spaces in.
fn described(document: &str) -> BTreeSet<String> {
    let paths = document.split("\npaths:\n").nth(1).unwrap().split("\ncomponents:\n").next().unwrap();
    let (mut path, mut found) = (String::new(), BTreeSet::new());
    for line in paths.lines() {
        let Some(name) = line.trim().strip_suffix(':') else { continue };
        match line.len() - line.trim_start().len() {
            2 => path = unnamed(name),
            4 if name != "parameters" => {
                assert!(found.insert(format!("{name} {path}")), "{name} {path} twice")
            }
            _ => {}
        }
    }
    found
}

/// A path in which all places are named alike.
fn unnamed(path: &str) -> String {
    let part = |part: &str| if part.starts_with('{') { "{}".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}
