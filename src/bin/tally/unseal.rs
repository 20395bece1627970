//! `tally unseal` and `tally seal`: keys into the daemon's memory, and out of it.

use std::os::unix::net::UnixStream;

use serde_json::json;
use tallystick::client::Client;
use tallystick::keys::Provider;
use tallystick::secmem::harden;
use tallystick::wire::{Custody, CustodyReport, Opener};

use crate::arguments::{Dir, Unseal};
use crate::ask::{connect_admin, refused};
use crate::output::{Failure, Output};
use crate::{device, keys_at_rest, secret_text};

/// Gives one share or a passphrase, and tells how it stands then.
pub fn unseal(arguments: &Unseal, output: &Output) -> Result<(), Failure> {
    harden()?;
    let mut client = connect_admin(&arguments.at.dir)?;
    let report = if arguments.forget {
        ask(&mut client, &Custody::Forget)?
    } else {
        let report = ask(&mut client, &Custody::Report)?;
        if arguments.report || !report.sealed { report } else { give(&mut client, arguments, &report)? }
    };
    tell(&report, output);
    Ok(())
}

/// Has the daemon wipe its keys.
pub fn seal(at: &Dir, output: &Output) -> Result<(), Failure> {
    let report = ask(&mut connect_admin(&at.dir)?, &Custody::Seal)?;
    tell(&report, output);
    Ok(())
}

fn give(
    client: &mut Client<UnixStream>,
    arguments: &Unseal,
    report: &CustodyReport,
) -> Result<CustodyReport, Failure> {
    if report.provider == "device" {
        let sealed = keys_at_rest::read(&arguments.at.dir)?;
        let Provider::Device(wrapped) = sealed.provider() else {
            return Err(Failure::new("the keyring was changed just now; try again"));
        };
        let key = device::unwrap_bytes(&arguments.device, wrapped)?;
        return ask(client, &Custody::Unseal(Opener::WrappingKey(&key)));
    }
    let text = secret_text::read(&arguments.file)?;
    let opener = match report.provider.as_str() {
        "passphrase" => Opener::Passphrase(text.lines().next().unwrap_or_default().as_bytes()),
        "custodians" => Opener::Share(&text),
        provider => return Err(Failure::new(format!("the keyring is opened by {provider}"))),
    };
    ask(client, &Custody::Unseal(opener))
}

fn ask(client: &mut Client<UnixStream>, custody: &Custody<'_>) -> Result<CustodyReport, Failure> {
    client.custody(custody).map_err(|error| refused(&error))
}

fn tell(report: &CustodyReport, output: &Output) {
    let CustodyReport { sealed, provider, splitting, needed, made, given, forgotten_in } = report;
    output.item(
        || {
            json!({
                "ok": true, "sealed": sealed, "provider": provider, "splitting": splitting, "needed": needed,
                "made": made, "given": given, "forgotten_in": forgotten_in,
            })
        },
        || {
            let mut text = if *sealed { "sealed".to_owned() } else { "unsealed".to_owned() };
            if *sealed && provider == "custodians" {
                text += &format!("; {} of {needed} shares given, of {made}", given.len());
            }
            if let Some(seconds) = forgotten_in {
                let numbers: Vec<_> = given.iter().map(u8::to_string).collect();
                text +=
                    &format!(" ({}); forgotten in {seconds} s unless another is given", numbers.join(", "));
            }
            Some(text)
        },
    );
}
