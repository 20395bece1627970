//! `tally audit verify`.

use data_encoding::HEXLOWER;
use serde_json::{Value, json};
use tallystick::audit::Report;

use super::source;
use crate::arguments::audit::Verify;
use crate::output::{Failure, Output};
use crate::progress::Progress;

/// Checks the log and tells what was found.
pub fn run(arguments: &Verify, output: &Output) -> Result<(), Failure> {
    let mut progress: Option<Progress> = None;
    let report = source::walk(&arguments.source, |seen, known| {
        let (number, total) = (seen.record.number, known.max(seen.record.number));
        progress.get_or_insert_with(|| Progress::begin(*output, "records", number, total)).at(number, total);
    })?;
    if let Some(progress) = progress {
        progress.end();
    }
    let is_keyed = arguments.source.passphrase_file.is_some();
    output.item(|| json_of(&report, is_keyed), || Some(text_of(&report, is_keyed)));
    if report.fault.is_some() { Err(Failure::silent()) } else { Ok(()) }
}

fn json_of(report: &Report, is_keyed: bool) -> Value {
    let fault = report
        .fault
        .as_ref()
        .map(|fault| json!({"kind": fault.kind(), "record": fault.record(), "text": fault.to_string()}));
    json!({
        "ok": report.fault.is_none(), "keyed": is_keyed, "first": report.first, "last": report.tip.number,
        "link": HEXLOWER.encode(&report.tip.link), "files": report.files, "groups": report.groups,
        "fault": fault, "notes": report.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn text_of(report: &Report, is_keyed: bool) -> String {
    let mut lines: Vec<String> = report.notes.iter().map(|note| format!("note           {note}")).collect();
    let checked = if is_keyed { "chain and MACs" } else { "chain of hashes; no MAC without the passphrase" };
    lines.push(format!(
        "records        {} to {} in {} files, {} groups by their MACs",
        report.first, report.tip.number, report.files, report.groups
    ));
    lines.push(format!("checked        {checked}"));
    match &report.fault {
        Some(fault) => lines.push(format!("NOT GOOD       {fault}")),
        None => lines.push("good           nothing was changed, removed, moved or cut off".to_owned()),
    }
    lines.push(format!("head           {}:{}", report.tip.number, HEXLOWER.encode(&report.tip.link)));
    lines.join("\n")
}
