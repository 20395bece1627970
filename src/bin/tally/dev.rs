//! `tally dev`: an engine, a vault and two sample merchants on loopback.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tallystick::daemon::paths;
use tallystick::types::{Trid, UnixTime};
use tallystick::vault::db::Db;
use tallystick::vault::merchants::{Wanted, add};
use tallystick::vault::{Config, Operator, ids, run as serve, stopped};
use tempfile::TempDir;

use crate::arguments::vault::Dev;
use crate::daemon::Daemon;
use crate::merchant::credentials;
use crate::output::{Failure, Output};

/// Sample merchants, their requestors, and whether their masks are wide.
const SAMPLES: [(&str, &[u8], bool); 2] = [("shop", b"40010000001", false), ("market", b"40010000002", true)];
/// Their credentials, beside the database: what such a directory holds is worth nothing.
const CREDENTIALS: &str = "sample-merchants.json";

/// Runs until it is interrupted.
pub fn run(dev: &Dev, output: &Output) -> Result<(), Failure> {
    let throwaway = if dev.dir.is_none() { Some(TempDir::with_prefix("tally-dev-")?) } else { None };
    let dir = match (&dev.dir, &throwaway) {
        (Some(dir), _) => dir.clone(),
        (None, Some(throwaway)) => throwaway.path().to_owned(),
        (None, None) => PathBuf::new(),
    };
    std::fs::create_dir_all(&dir)?;
    let daemon = Daemon::start_at(&dir.join("engine"))?;
    // Another one each time: nobody writes it down.
    let secret = ids::secret().map_err(|error| Failure::new(error.to_string()))?;
    let operator = Operator {
        admin: paths::admin_socket(daemon.dir()),
        audit_head: Some(paths::audit_head(daemon.dir())),
        secret: Sha256::digest(secret.as_bytes()).into(),
    };
    let config = Config {
        dir: dir.clone(),
        engine: paths::data_socket(daemon.dir()),
        listen: dev.listen,
        public: None,
        operator: Some(operator),
        shop: true,
    };
    let merchants = samples(&config, &dir, dev.webhook.as_deref())?;
    let told = serve(&config, stopped(), |public| tell(public, &merchants, &secret, &daemon, output));
    told.map_err(|error| Failure::new(error.to_string()))
}

/// The sample merchants, made where there are none.
fn samples(config: &Config, dir: &Path, webhook: Option<&str>) -> Result<Value, Failure> {
    let path = dir.join(CREDENTIALS);
    if path.exists() {
        return Ok(serde_json::from_slice(&std::fs::read(path)?)?);
    }
    let db = Db::open(&config.database()).map_err(|error| Failure::new(error.to_string()))?;
    let mut merchants = Vec::new();
    for (name, trid, wide_mask) in SAMPLES {
        let trid = Trid::parse(trid).map_err(|error| Failure::new(error.to_string()))?;
        let wanted = Wanted { name, trid, wide_mask, webhook };
        let given = add(&db, &wanted, UnixTime::from_system_clock());
        merchants.push(credentials(name, &given.map_err(|error| Failure::new(error.to_string()))?));
    }
    let merchants = Value::from(merchants);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(merchants.to_string().as_bytes())?;
    Ok(merchants)
}

fn tell(public: &str, merchants: &Value, secret: &str, daemon: &Daemon, output: &Output) {
    output.item(
        || {
            json!({"url": public, "shop": format!("{public}/shop"), "engine_pid": daemon.pid(),
                "operator": {"id": "operator", "secret": secret}, "merchants": merchants})
        },
        || Some(text(public, merchants, secret)),
    );
}

/// What is there, and a line to try each API with.
fn text(public: &str, merchants: &Value, secret: &str) -> String {
    let credential = |api: &str| {
        let part = |part: &str| merchants.pointer(&format!("/0/credentials/{api}/{part}"));
        let text = |name: &str| part(name).and_then(Value::as_str).unwrap_or_default();
        (text("id"), text("secret"))
    };
    [
        format!("the vault serves at {public}; its engine and its sample merchants go with it (Ctrl-C)"),
        format!("A demo shop, to pay in with test cards:\n  {public}/shop"),
        format!("What operators see (user operator, password {secret}):\n  {public}/operator"),
        cashfree(public, credential("cashfree")),
        razorpay(public, credential("razorpay")),
        juspay(public, credential("juspay")),
        sessions(public, credential("sessions")),
    ]
    .join("\n\n")
}

fn cashfree(public: &str, (id, secret): (&str, &str)) -> String {
    format!(
        "Cashfree, an order:
  curl -s {public}/pg/orders -H 'x-api-version: 2023-08-01' -H 'content-type: application/json' \\
    -H 'x-client-id: {id}' -H 'x-client-secret: {secret}' \\
    -d '{{\"order_amount\": 100.5, \"order_currency\": \"INR\", \
\"customer_details\": {{\"customer_id\": \"asha\", \"customer_phone\": \"9999999999\"}}}}'"
    )
}

fn razorpay(public: &str, (id, secret): (&str, &str)) -> String {
    format!(
        "Razorpay, an order:
  curl -s {public}/v1/orders -u {id}:{secret} -H 'content-type: application/json' \\
    -d '{{\"amount\": 10050, \"currency\": \"INR\", \"receipt\": \"order-1\"}}'"
    )
}

fn juspay(public: &str, (_, key): (&str, &str)) -> String {
    format!(
        "Juspay, an order:
  curl -s {public}/order/create -u {key}: -d order_id=order-1 -d amount=100.50 -d customer_id=asha"
    )
}

fn sessions(public: &str, (id, secret): (&str, &str)) -> String {
    format!(
        "Payment sessions, one whose card is encrypted on the merchant's page:
  curl -s {public}/sessions -u {id}:{secret} -H 'content-type: application/json' \\
    -d '{{\"mode\": \"API\", \"autoConfirm\": false, \"paymentMethod\": {{\"type\": \"CARD\"}}, \
\"customer\": {{\"id\": \"asha\"}}, \"orderInformation\": {{\"amount\": 100.5, \"currency\": \"INR\"}}}}'"
    )
}
