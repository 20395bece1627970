//! `tally status`: what the daemon is and how it is.

use std::io::Write;

use serde_json::json;

use crate::arguments::Dir;
use crate::ask::{connect_admin, refused};
use crate::output::{Failure, Output};

/// Prints status or metrics. Fails if the daemon says that it does not serve.
pub fn run(at: &Dir, metrics: bool, output: &Output) -> Result<(), Failure> {
    let mut client = connect_admin(&at.dir)?;
    if metrics {
        let text = client.metrics().map_err(|error| refused(&error))?;
        if output.json {
            output.item(|| json!({"ok": true, "metrics": text}), || None);
        } else {
            std::io::stdout().write_all(text.as_bytes())?;
        }
        return Ok(());
    }
    let report = client.status().map_err(|error| refused(&error))?;
    let serving = report.health == "serving";
    output.item(
        || {
            let keys: Vec<_> = report
                .keys
                .iter()
                .map(|key| json!({"purpose": key.purpose, "version": key.version, "state": key.state, "kcv": key.kcv}))
                .collect();
            let imported: Vec<_> = report
                .imported
                .iter()
                .map(|key| {
                    json!({
                        "label": key.label, "purpose": key.purpose, "algorithm": key.algorithm,
                        "state": key.state, "kcv": key.kcv, "exportability": key.exportability,
                    })
                })
                .collect();
            json!({
                "ok": serving, "health": report.health, "server": report.server,
                "key_memory": report.protection, "dumpable": report.dumpable,
                "no_new_privs": report.no_new_privs, "core_limit": report.core_limit, "sandbox": report.sandbox,
                "epoch": report.epoch, "durable_group": report.durable_group, "tokens": report.tokens,
                "connections": report.connections, "uptime_seconds": report.uptime_seconds, "keys": keys, "imported_keys": imported,
            })
        },
        || {
            let yes = |truth| if truth { "yes" } else { "no" };
            let core = report.core_limit.map_or("no limit".to_owned(), |bytes| format!("{bytes} bytes"));
            let memory = match report.protection.as_str() {
                "" => "no keys are loaded".to_owned(),
                "memfd_secret" => report.protection.clone(),
                fallback => format!("{fallback} (fallback: root can read it)"),
            };
            let mut lines = vec![
                format!("health         {}", report.health),
                format!("server         {}", report.server),
                format!("key memory     {memory}"),
                format!(
                    "process        dumpable {}, core limit {core}, may gain privileges {}",
                    yes(report.dumpable),
                    yes(!report.no_new_privs)
                ),
                format!("sandbox        {}", report.sandbox),
                format!("store          epoch {}, durable group {}", report.epoch, report.durable_group),
                format!("tokens         {}", report.tokens),
                format!("connections    {}", report.connections),
                format!("uptime         {} s", report.uptime_seconds),
            ];
            lines.extend(report.keys.iter().map(|key| {
                format!(
                    "key            {:<17} version {} {}, check value {}",
                    key.purpose, key.version, key.state, key.kcv
                )
            }));
            lines.extend(report.imported.iter().map(|key| {
                format!(
                    "imported key   {:<17} {} {}, {}, check value {}, exportability {}",
                    key.label, key.algorithm, key.purpose, key.state, key.kcv, key.exportability
                )
            }));
            Some(lines.join("\n"))
        },
    );
    if serving { Ok(()) } else { Err(Failure::silent()) }
}
