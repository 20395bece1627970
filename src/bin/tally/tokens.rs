//! `tally token`: show, list and change tokens.

use std::io::Write;

use serde_json::json;
use tallystick::command::{ChangeStatus, Command, LinkPar, List, Renew, Reply, TokenView};
use tallystick::types::{DeactivationReason, ProviderName, StatusEvent};

use crate::arguments::{AtProvider, Changed, OneToken, Reason, TokenTask};
use crate::ask::{connect, connect_admin, expiry, key, pan, refused, token, trid};
use crate::output::{Failure, Output};
use crate::show::{done_json, token_json, token_line, token_text};

/// Does what is wanted with a token.
pub fn run(task: &TokenTask, output: &Output) -> Result<(), Failure> {
    match task {
        TokenTask::Show(one) => {
            let view = connect(&one.at.dir)?.show(token(&one.token)?);
            print(&view.map_err(|error| refused(&error))?, output);
            Ok(())
        }
        TokenTask::List { at, trid: requestor, after, limit } => {
            let command = Command::List(List { trid: trid(requestor)?, after: *after, limit: *limit });
            list(connect(&at.dir)?.call(&command, None).map_err(|error| refused(&error))?, output)
        }
        TokenTask::Suspend(at) => change(at, StatusEvent::Suspend, output),
        TokenTask::Resume(at) => change(at, StatusEvent::Resume, output),
        TokenTask::Deactivate { change: at, reason } => {
            change(at, StatusEvent::Deactivate(reason_of(*reason)), output)
        }
        TokenTask::Delete(changed) => {
            let event = StatusEvent::Deactivate(DeactivationReason::Requested);
            let number = token(&changed.one.token)?;
            let command = Command::ChangeStatus(ChangeStatus { token: number, provider: None, event });
            send(changed, &command, output)
        }
        TokenTask::Renew { change, expiry: new } => {
            let (token, expiry) = (token(&change.one.token)?, expiry(new)?);
            send(change, &Command::Renew(Renew { token, expiry }), output)
        }
        TokenTask::LinkPar { change, pan_file } => link_par(change, pan_file, output),
        TokenTask::Detokenize(one) => detokenize(one, output),
        TokenTask::Unlock(changed) => {
            let command = Command::ClearShortLock(token(&changed.one.token)?);
            let view = connect_admin(&changed.one.at.dir)?.token(&command, key(&changed.retry)?);
            print(&view.map_err(|error| refused(&error))?, output);
            Ok(())
        }
    }
}

fn change(at: &AtProvider, event: StatusEvent, output: &Output) -> Result<(), Failure> {
    let provider = at.provider.as_deref().map(ProviderName::parse).transpose();
    let provider = provider.map_err(|error| Failure::new(format!("--provider: {error}")))?;
    let token = token(&at.change.one.token)?;
    send(&at.change, &Command::ChangeStatus(ChangeStatus { token, provider, event }), output)
}

fn send(changed: &Changed, command: &Command<'_>, output: &Output) -> Result<(), Failure> {
    let view = connect(&changed.one.at.dir)?.token(command, key(&changed.retry)?);
    print(&view.map_err(|error| refused(&error))?, output);
    Ok(())
}

fn link_par(change: &Changed, pan_file: &std::path::Path, output: &Output) -> Result<(), Failure> {
    let predecessor = token(&change.one.token)?;
    let command = Command::LinkPar(LinkPar { pan: pan(pan_file)?, predecessor });
    let reply = connect(&change.one.at.dir)?.call(&command, key(&change.retry)?);
    match reply.map_err(|error| refused(&error))? {
        Reply::Par(par) => {
            output.item(|| json!({"ok": true, "par": par.as_str()}), || Some(par.to_string()));
            Ok(())
        }
        _ => Err(Failure::new("the daemon answered something else")),
    }
}

/// The one place that prints a PAN, straight from its wiped buffer.
fn detokenize(one: &OneToken, output: &Output) -> Result<(), Failure> {
    let command = Command::Detokenize(token(&one.token)?);
    match connect(&one.at.dir)?.call(&command, None).map_err(|error| refused(&error))? {
        Reply::Detokenized(card) => {
            let (before, between, after) = if output.json {
                ("{\"ok\":true,\"pan\":\"", "\",\"expiry\":\"", "\"}\n")
            } else {
                ("PAN          ", "\nexpiry       ", "\n")
            };
            let expiry = card.expiry.to_string();
            let mut stdout = std::io::stdout().lock();
            for part in [
                before.as_bytes(),
                card.pan.expose_digits(),
                between.as_bytes(),
                expiry.as_bytes(),
                after.as_bytes(),
            ] {
                stdout.write_all(part)?;
            }
            Ok(())
        }
        _ => Err(Failure::new("the daemon answered something else")),
    }
}

fn list(reply: Reply, output: &Output) -> Result<(), Failure> {
    let Reply::Page(page) = reply else { return Err(Failure::new("the daemon answered something else")) };
    output.item(
        || json!({"ok": true, "tokens": page.tokens.iter().map(token_json).collect::<Vec<_>>(), "next": page.next}),
        || {
            let mut lines: Vec<_> = page.tokens.iter().map(token_line).collect();
            lines.extend(page.next.map(|next| format!("more: --after {next}")));
            Some(if lines.is_empty() { "no tokens".to_owned() } else { lines.join("\n") })
        },
    );
    Ok(())
}

fn print(view: &TokenView, output: &Output) {
    output.item(|| done_json(view), || Some(token_text(view)));
}

const fn reason_of(reason: Reason) -> DeactivationReason {
    match reason {
        Reason::Expired => DeactivationReason::Expired,
        Reason::DeactivatedByBank => DeactivationReason::DeactivatedByBank,
        Reason::Requested => DeactivationReason::Requested,
    }
}
