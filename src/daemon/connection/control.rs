//! Dual control, on the admin socket.

use std::time::Instant;

use super::Lobby;
use crate::command::{Caller, Role};
use crate::crypto::KeyPurpose;
use crate::daemon::KeyChange;
use crate::daemon::control::algorithm_of;
use crate::keys::CheckValue;
use crate::keys::tr31::Exportability;
use crate::store::TokenSlot;
use crate::types::Trid;
use crate::wire::{Control, ControlReply, Digest, Export, Status, Wanted};

/// Does what was asked, if enough admins agree. The connection is not in the house.
pub(super) fn execute(lobby: &Lobby, caller: &Caller, control: &Control<'_>) -> Result<ControlReply, Status> {
    let (proposals, by, now) = (&lobby.house.control, caller, Instant::now());
    if lobby.house.enter().is_none() {
        return Err(Status::Sealed);
    }
    let report = match control {
        Control::Proposals => return Ok(ControlReply::Proposals(proposals.list(now))),
        Control::DetokenizeAll { digest, after, limit } => {
            return export(lobby, caller, digest, *after, *limit).map(ControlReply::Export);
        }
        Control::Propose(wanted) => {
            check_roles(caller, wanted)?;
            check_form(wanted)?;
            proposals.propose(&*lobby.random, by, wanted.clone(), now)?
        }
        Control::Approve(digest) => proposals.approve(digest, by, now)?,
        Control::Withdraw(digest) => proposals.withdraw(digest, now)?,
        Control::DestroyKey(digest) => {
            let report = proposals.approved(digest, by, now)?;
            match &report.wanted {
                Wanted::DestroyKey { purpose, version } => {
                    lobby.house.destroy(purpose, *version, &lobby.metrics, (lobby.clock)())?;
                }
                Wanted::RemoveKey { label } => {
                    lobby.house.change_key(KeyChange::Remove(*label), &lobby.metrics)?;
                }
                _ => return Err(Status::ProposalUnknown),
            }
            // Once and no more: every proposal went with the sealing.
            report
        }
        Control::ImportKey(digest) => {
            let report = proposals.approved(digest, by, now)?;
            let change = import(lobby, caller, digest, &report.wanted)?;
            lobby.house.change_key(change, &lobby.metrics)?;
            report
        }
        Control::GiveComponent { digest, component, kcv } => {
            let check = CheckValue::parse(kcv).map_err(|_| Status::KeyCheckValue)?;
            proposals.give(digest, by, lobby.house.region(), (component.0, check), now)?
        }
        Control::ExportKey(digest) => {
            let report = proposals.approved(digest, by, now)?;
            let Wanted::ExportKey { label, transport } = report.wanted else {
                return Err(Status::ProposalUnknown);
            };
            let block = lobby.house.export_key(label, transport)?;
            // Once more needs another proposal.
            proposals.withdraw(digest, now)?;
            tracing::warn!(caller = by.name(), %label, "a key was exported, under dual control");
            return Ok(ControlReply::KeyBlock(block));
        }
    };
    let operation = report.wanted.operation();
    tracing::info!(caller = by.name(), asked = control.opcode().name(), operation, "dual control");
    Ok(ControlReply::Proposal(report))
}

/// Whoever wants PANs must be one who may see them.
fn check_roles(caller: &Caller, wanted: &Wanted) -> Result<(), Status> {
    match wanted {
        Wanted::DestroyKey { .. }
        | Wanted::ImportKey { .. }
        | Wanted::AssembleKey { .. }
        | Wanted::ExportKey { .. }
        | Wanted::RemoveKey { .. } => Ok(()),
        Wanted::DetokenizeAll { .. } if !caller.roles().has(Role::Detokenizer) => Err(Status::RoleMissing),
        Wanted::DetokenizeAll { trid: None } if caller.is_limited() => Err(Status::TridNotAllowed),
        Wanted::DetokenizeAll { trid: Some(trid) } if !caller.may_act_for(*trid) => {
            Err(Status::TridNotAllowed)
        }
        Wanted::DetokenizeAll { .. } => Ok(()),
    }
}

/// What a key is to be made for must be known here.
fn check_form(wanted: &Wanted) -> Result<(), Status> {
    if let Wanted::AssembleKey { purpose, algorithm, .. } = wanted {
        field_purpose(purpose)?;
        algorithm_of(algorithm)?;
    }
    Ok(())
}

fn field_purpose(name: &str) -> Result<KeyPurpose, Status> {
    let known = [KeyPurpose::EmvIssuerMaster, KeyPurpose::CardVerification, KeyPurpose::KeyTransport];
    known.into_iter().find(|purpose| purpose.name() == name).ok_or(Status::KeyRefused)
}

/// What an approved proposal brings in.
fn import(lobby: &Lobby, caller: &Caller, digest: &Digest, wanted: &Wanted) -> Result<KeyChange, Status> {
    match wanted {
        Wanted::ImportKey { label, transport, block } => {
            Ok(KeyChange::Import { label: *label, transport: *transport, block: block.clone() })
        }
        Wanted::AssembleKey { label, purpose, kcv, exportable, .. } => Ok(KeyChange::Assemble {
            label: *label,
            purpose: field_purpose(purpose)?,
            exportability: if *exportable { Exportability::Trusted } else { Exportability::No },
            check: CheckValue::parse(kcv).map_err(|_| Status::KeyCheckValue)?,
            components: lobby.house.control.take_components(digest, caller, Instant::now())?,
        }),
        _ => Err(Status::ProposalUnknown),
    }
}

fn export(
    lobby: &Lobby,
    caller: &Caller,
    digest: &Digest,
    after: Option<u32>,
    limit: u8,
) -> Result<Export, Status> {
    let (proposals, now) = (&lobby.house.control, Instant::now());
    let report = proposals.read_on(digest, caller, after, now)?;
    let Wanted::DetokenizeAll { trid } = report.wanted else { return Err(Status::ProposalUnknown) };
    check_roles(caller, &report.wanted)?;
    let export = page(lobby, trid, after, limit)?;
    if after.is_none() {
        tracing::warn!(caller = caller.name(), "all PANs are being read, under dual control");
    }
    if export.next.is_none() {
        // Read to the end, it is done: once more needs another proposal.
        proposals.withdraw(digest, now)?;
    }
    Ok(export)
}

fn page(lobby: &Lobby, trid: Option<Trid>, after: Option<u32>, limit: u8) -> Result<Export, Status> {
    let opened = lobby.house.enter().ok_or(Status::Sealed)?;
    let tokens = opened.hall.look(|engine| engine.token_count()).map_err(|_| Status::Stopped)?;
    let step =
        opened.step(after.map(TokenSlot), limit.into(), |engine, rows| engine.survey_pans(rows, trid))?;
    let cards = step.survey.found.into_iter().map(|(token, card)| (token, card.pan, card.expiry));
    Ok(Export {
        cards: cards.collect(),
        next: step.next.map(|slot| slot.0),
        left_out: u32::try_from(step.survey.unopened).unwrap_or(u32::MAX),
        tokens: u32::try_from(tokens).unwrap_or(u32::MAX),
    })
}
