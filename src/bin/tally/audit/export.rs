//! `tally audit export`: JSON lines.

use std::io::Write;

use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use tallystick::audit::{Event, Operation, Seen, Stand};

use super::source;
use crate::arguments::audit::Export;
use crate::output::Failure;

/// Prints every good record wanted, and fails at the first that is not good.
pub fn run(arguments: &Export) -> Result<(), Failure> {
    let (mut out, mut written) = (std::io::BufWriter::new(std::io::stdout().lock()), Ok(()));
    let report = source::walk(&arguments.source, |seen, _| {
        if (arguments.first..=arguments.last).contains(&seen.record.number) && written.is_ok() {
            written = writeln!(out, "{}", line(seen));
        }
    })?;
    match written.and_then(|()| out.flush()) {
        // A reader that has gone away, as `head` does, is no failure of ours.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
        other => other?,
    }
    match report.fault {
        None => Ok(()),
        Some(fault) => Err(Failure::new(format!("the log is not good: {fault}"))),
    }
}

fn line(seen: &Seen<'_>) -> Value {
    let record = &seen.record;
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("record", json!(record.number));
    put("time", json!(record.time.to_rfc3339()));
    put("kind", json!(seen.event.as_ref().map_or("unknown", Event::kind)));
    put("link", json!(HEXLOWER.encode(record.link)));
    put("audit_key", json!(record.key.get()));
    let said = match &seen.event {
        Some(event) => said(event),
        None => json!({"event": HEXLOWER.encode(record.event)}),
    };
    if let Value::Object(said) = said {
        fields.extend(said);
    }
    Value::Object(fields)
}

fn said(event: &Event) -> Value {
    match event {
        Event::Started(started) => json!({
            "server": started.server, "database": stand(&started.stand), "after_crash": started.after_crash,
            "dropped_bytes": started.dropped,
        }),
        Event::Stopped(stood) => json!({"database": stand(stood)}),
        Event::Groups(groups) => {
            let macs: Vec<_> = groups.macs.chunks(32).map(|mac| HEXLOWER.encode(mac)).collect();
            json!({"epoch": groups.epoch, "first_group": groups.first, "macs": macs})
        }
        Event::Covered(groups) => json!({
            "epoch": groups.epoch, "first_group": groups.first, "last_group": groups.last,
            "mac": HEXLOWER.encode(&groups.mac),
        }),
        Event::Done(operation) | Event::Refused(operation) => {
            let Operation { caller, operation, status, subject } = operation;
            json!({"caller": caller, "operation": operation, "status": status, "subject": subject})
        }
        Event::Counted(count) => json!({
            "caller": count.caller, "operation": count.operation, "status": count.status,
            "count": count.count,
        }),
        Event::AtRest(done) => json!({"uid": done.uid, "operation": done.operation, "detail": done.detail}),
        Event::Accepted(accepted) => json!({
            "uid": accepted.uid, "found": accepted.found, "head": accepted.head, "reason": accepted.reason,
        }),
    }
}

fn stand(stand: &Stand) -> Value {
    json!({"epoch": stand.epoch, "group": stand.group, "mac": HEXLOWER.encode(&stand.mac)})
}
