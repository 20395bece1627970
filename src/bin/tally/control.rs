//! Dual control: `tally propose`, `approve`, `withdraw`, `proposals`, `destroy` and
//! `detokenize-all`.

mod export;
mod keys;

pub use export::run as detokenize_all;
pub use keys::{component, export as export_key, import as import_key};

use std::path::Path;

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde_json::{Value, json};
use tallystick::types::KeyVersion;
use tallystick::wire::{Control, ControlReply, Digest, ProposalReport, Wanted};

use crate::arguments::{Dir, OneProposal, Proposed};
use crate::ask::{connect_admin, refused, trid};
use crate::output::{Failure, Output};

/// Proposes and tells the digest.
pub fn propose(proposed: &Proposed, output: &Output) -> Result<(), Failure> {
    let (at, wanted) = match proposed {
        Proposed::Destroy { at, purpose, version } => {
            let version = KeyVersion::new(*version)?;
            (at, Wanted::DestroyKey { purpose: purpose.name().to_owned(), version })
        }
        Proposed::DetokenizeAll { at, trid: of } => {
            (at, Wanted::DetokenizeAll { trid: of.as_deref().map(trid).transpose()? })
        }
        Proposed::Key { at, what } => (at, keys::wanted(what)?),
    };
    let report = ask(&at.dir, &Control::Propose(wanted))?;
    tell(&report, "Another admin must approve it: tally approve, with this digest", output);
    Ok(())
}

/// Approves what another admin proposed.
pub fn approve(one: &OneProposal, output: &Output) -> Result<(), Failure> {
    let report = ask(&one.at.dir, &Control::Approve(digest(&one.digest)?))?;
    tell(&report, "Who proposed it may carry it out now", output);
    Ok(())
}

/// Takes a proposal back.
pub fn withdraw(one: &OneProposal, output: &Output) -> Result<(), Failure> {
    let report = ask(&one.at.dir, &Control::Withdraw(digest(&one.digest)?))?;
    tell(&report, "It is withdrawn", output);
    Ok(())
}

/// Destroys the key of an approved proposal.
pub fn destroy(one: &OneProposal, output: &Output) -> Result<(), Failure> {
    let report = ask(&one.at.dir, &Control::DestroyKey(digest(&one.digest)?))?;
    let told =
        "It is destroyed, in the keyring and in memory. Copies of the keyring still have it: replace them";
    tell(&report, told, output);
    Ok(())
}

/// Lists what is proposed.
pub fn list(at: &Dir, output: &Output) -> Result<(), Failure> {
    let mut client = connect_admin(&at.dir)?;
    let reply = client.control(&Control::Proposals).map_err(|error| refused(&error))?;
    let ControlReply::Proposals(reports) = reply else { return Err(other()) };
    output.item(
        || json!({"ok": true, "proposals": reports.iter().map(json_of).collect::<Vec<_>>()}),
        || (!reports.is_empty()).then(|| reports.iter().map(text_of).collect::<Vec<_>>().join("\n\n")),
    );
    Ok(())
}

fn ask(dir: &Path, control: &Control<'_>) -> Result<ProposalReport, Failure> {
    let reply = connect_admin(dir)?.control(control).map_err(|error| refused(&error))?;
    if let ControlReply::Proposal(report) = reply { Ok(report) } else { Err(other()) }
}

fn other() -> Failure {
    Failure::new("another reply than asked for")
}

/// The digest of a proposal.
fn digest(text: &str) -> Result<Digest, Failure> {
    let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
    let digest = bytes.and_then(|bytes| bytes.try_into().ok());
    digest.ok_or_else(|| Failure::new("a digest has 64 hex digits"))
}

fn tell(report: &ProposalReport, more: &str, output: &Output) {
    output.item(
        || {
            let mut json = json_of(report);
            if let Some(object) = json.as_object_mut() {
                object.insert("ok".to_owned(), true.into());
            }
            json
        },
        || Some(format!("{}\n{more}.", text_of(report))),
    );
}

fn json_of(report: &ProposalReport) -> Value {
    let (purpose, version, trid) = match &report.wanted {
        Wanted::DestroyKey { purpose, version } => (Some(purpose), Some(version.get()), None),
        Wanted::DetokenizeAll { trid } => (None, None, trid.map(|trid| trid.to_string())),
        _ => (None, None, None),
    };
    json!({
        "operation": report.wanted.operation(), "wanted": report.wanted.to_string(), "purpose": purpose, "version": version, "trid": trid,
        "digest": HEXLOWER.encode(&report.digest), "proposed_by": report.proposed_by,
        "approved_by": report.approved_by, "expires_in": report.expires_in, "components_given": report.given,
    })
}

fn text_of(report: &ProposalReport) -> String {
    let approved = report.approved_by.as_ref().map_or("nobody yet".to_owned(), Clone::clone);
    format!(
        "proposal       {}\ndigest         {}\nproposed by    {}\napproved by    {approved}\n\
         expires in     {} s",
        report.wanted,
        HEXLOWER.encode(&report.digest),
        report.proposed_by,
        report.expires_in
    )
}
