//! Keys of the field, which come in and go out under dual control.

use serde_json::json;
use tallystick::types::KeyLabel;
use tallystick::wire::{Component, Control, ControlReply, Wanted};
use zeroize::Zeroizing;

use super::{ask, digest, other, tell};
use crate::arguments::{KeyComponent, KeyWanted, OneProposal};
use crate::ask::{connect_admin, refused};
use crate::output::{Failure, Output};
use crate::secret_text;

/// What is to be proposed.
pub fn wanted(proposed: &KeyWanted) -> Result<Wanted, Failure> {
    Ok(match proposed {
        KeyWanted::Import { label, transport, block } => {
            let text = secret_text::read(block)?;
            let block = text.trim().to_owned();
            Wanted::ImportKey { label: key_label(label)?, transport: key_label(transport)?, block }
        }
        KeyWanted::Assemble { label, purpose, algorithm, components, kcv, exportable } => {
            Wanted::AssembleKey {
                label: key_label(label)?,
                purpose: purpose.name().to_owned(),
                algorithm: algorithm.clone(),
                components: *components,
                kcv: kcv.to_ascii_lowercase(),
                exportable: *exportable,
            }
        }
        KeyWanted::Export { label, transport } => {
            Wanted::ExportKey { label: key_label(label)?, transport: key_label(transport)? }
        }
        KeyWanted::Remove { label } => Wanted::RemoveKey { label: key_label(label)? },
    })
}

/// Imports or assembles the key of an approved proposal.
pub fn import(one: &OneProposal, output: &Output) -> Result<(), Failure> {
    let report = ask(&one.at.dir, &Control::ImportKey(digest(&one.digest)?))?;
    tell(&report, "It is in the keyring now", output);
    Ok(())
}

/// Gives a custodian's component of the key of a proposal.
pub fn component(given: &KeyComponent, output: &Output) -> Result<(), Failure> {
    let text = secret_text::read(&given.component_file)?;
    let mut bytes = Zeroizing::new([0u8; 32]);
    let hex = text.trim();
    let length = hex.len() / 2;
    let decoded = bytes.get_mut(..length).is_some_and(|room| {
        hex.len().is_multiple_of(2)
            && data_encoding::HEXLOWER_PERMISSIVE.decode_mut(hex.as_bytes(), room).is_ok()
    });
    let component = bytes.get(..length).filter(|_| decoded && length > 0);
    let component = component.ok_or_else(|| Failure::new("a component has 32 to 64 hex digits"))?;
    let asked = Control::GiveComponent {
        digest: digest(&given.proposal.digest)?,
        component: Component(component),
        kcv: given.kcv.to_ascii_lowercase(),
    };
    let report = ask(&given.proposal.at.dir, &asked)?;
    tell(&report, "It is taken. With all of them, who proposed the key may import it", output);
    Ok(())
}

/// Prints the key block of an approved proposal.
pub fn export(one: &OneProposal, output: &Output) -> Result<(), Failure> {
    let asked = Control::ExportKey(digest(&one.digest)?);
    let reply = connect_admin(&one.at.dir)?.control(&asked).map_err(|error| refused(&error))?;
    let ControlReply::KeyBlock(block) = reply else { return Err(other()) };
    output.item(|| json!({"ok": true, "key_block": block}), || Some(block.clone()));
    Ok(())
}

fn key_label(text: &str) -> Result<KeyLabel, Failure> {
    KeyLabel::parse(text).map_err(|_| Failure::new("a label has 1 to 32 of a-z, 0-9 and -"))
}
