//! The operators' page: read-only, and without a secret.

use std::collections::BTreeMap;

use askama::Template;
use data_encoding::HEXLOWER;
use rusqlite::Connection;

use super::Error;
use super::view::page;
use crate::vault::db::Instrument;
use crate::vault::house::{Fault, House};
use crate::vault::http::{Answer, Call, Fail, Shape};
use crate::vault::watch::{Counts, Watch};

/// The user that operators say they are.
const USER: &str = "operator";
/// Saved instruments whose tokens are counted by status: each is a question to the engine.
const NEWEST: usize = 1_000;

/// A table on it.
pub struct Table {
    id: &'static str,
    name: String,
    heads: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

#[derive(Template)]
#[template(path = "vault/operator.html")]
struct Page<'a> {
    health: &'a str,
    server: &'a str,
    uptime: String,
    facts: Vec<(&'static str, String)>,
    tables: Vec<Table>,
    head: Option<(u64, String)>,
    now: String,
}

/// `GET /operator`
pub fn show(house: &House, call: &Call) -> Result<Answer, Error> {
    let watch = house.watch.as_ref().ok_or_else(|| Error::fail(Fail::NoSuchPath))?;
    let given = call.basic().filter(|basic| watch.lets_in(&basic.password) && basic.user == USER);
    if given.is_none() {
        let mut answer = Error::unknown().answer();
        answer.headers.push(("www-authenticate", "Basic realm=\"operators\"".to_owned()));
        return Ok(answer);
    }
    let (report, counts) = watch.look().map_err(Fault::from)?;
    let uptime = report.uptime_seconds;
    let facts = vec![
        ("Tokens held", report.tokens.to_string()),
        ("Cards held for a while", counts.held.to_string()),
        ("Payment sessions’ keys", counts.keys.to_string()),
        ("Connections", report.connections.to_string()),
        ("Epoch, durable group", format!("{}, {}", report.epoch, report.durable_group)),
        ("Key memory", report.protection.clone()),
        ("Sandbox", report.sandbox.clone()),
    ];
    let view = Page {
        health: &report.health,
        server: &report.server,
        uptime: format!("{} h {} min", uptime / 3600, uptime / 60 % 60),
        facts,
        tables: vec![tokens(house)?, cryptograms(&counts), refusals(&counts), latency(&counts)],
        head: head(watch),
        now: house.now().to_rfc3339(),
    };
    Ok(page(200, &view)?)
}

fn head(watch: &Watch) -> Option<(u64, String)> {
    watch.audit_head().map(|head| (head.number, HEXLOWER.encode(&head.link)))
}

/// Tokens of saved instruments by their overall status.
fn tokens(house: &House) -> Result<Table, Error> {
    let newest = house.db.read(|db: &Connection| Instrument::newest(db, NEWEST))?;
    let mut shown = Vec::with_capacity(newest.len());
    for instrument in newest {
        shown.push(house.shown(instrument)?.status());
    }
    let mut counted = BTreeMap::new();
    for status in shown {
        *counted.entry(status.name()).or_insert(0_u64) += 1;
    }
    let rows = counted.into_iter().map(|(name, count)| vec![name.to_owned(), count.to_string()]).collect();
    let name = format!("Tokens by status, of the newest {NEWEST} that were saved");
    Ok(Table { id: "tokens", name, heads: &["Status", "Tokens"], rows })
}

fn cryptograms(counts: &Counts) -> Table {
    let rows = [("issued", "issue"), ("verified", "verify")]
        .map(|(word, operation)| vec![word.to_owned(), counts.done(operation).to_string()]);
    let name = "Cryptograms, since the engine started".to_owned();
    Table { id: "cryptograms", name, heads: &["", "Requests"], rows: rows.into() }
}

fn refusals(counts: &Counts) -> Table {
    let mut rows = Vec::new();
    for operation in ["issue", "verify"] {
        for (reason, count) in counts.refused(operation) {
            rows.push(vec![format!("{operation}: {reason}"), count.to_string()]);
        }
    }
    Table { id: "refused", name: "Refused, by reason".to_owned(), heads: &["Reason", "Requests"], rows }
}

fn latency(counts: &Counts) -> Table {
    let row = |(name, of_thousand): (&str, u64)| {
        let seconds = counts.commit_seconds(of_thousand)?;
        let written =
            if seconds.is_finite() { format!("≤ {:.2} ms", seconds * 1000.0) } else { "more".to_owned() };
        Some(vec![name.to_owned(), written])
    };
    let rows = [("half", 500), ("99 %", 990), ("99.9 %", 999)].into_iter().filter_map(row).collect();
    let name = format!("Latency of commits to disk ({})", counts.commits());
    Table { id: "latency", name, heads: &["Of them", "Within"], rows }
}
