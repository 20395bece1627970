//! `tally provision`, `tally par`, `tally fingerprint`: what takes a PAN.

use serde_json::json;
use tallystick::command::{CardSource, Command, Reply};
use tallystick::types::{
    AuthReference, Binding, Channels, Consent, Domain, Evidence, EvidenceError, Merchant, Par, ProviderName,
    Reference,
};

use crate::arguments::{Card, Part, Provision};
use crate::ask::{channel, connect, expiry, key, pan, refused, trid};
use crate::output::{Failure, Output};
use crate::show::{done_json, token_text};

/// Saves a card.
pub fn provision(arguments: &Provision, output: &Output) -> Result<(), Failure> {
    consent(arguments)?;
    let request = tallystick::command::Provision {
        trid: trid(&arguments.trid)?,
        evidence: evidence(arguments)?,
        par: arguments.par.as_deref().map(Par::parse).transpose()?,
        domain: domain(arguments)?,
        providers: providers(arguments)?,
        card: CardSource::Clear {
            expiry: expiry(arguments.expiry.as_deref().unwrap_or_default())?,
            pan: pan(&arguments.card.pan_file)?,
        },
    };
    let mut client = connect(&arguments.card.at.dir)?;
    let command = Command::Provision(Box::new(request));
    let view = client.token(&command, key(&arguments.retry)?).map_err(|error| refused(&error))?;
    output.item(|| done_json(&view), || Some(token_text(&view)));
    Ok(())
}

/// Prints the PAR of a PAN.
pub fn par(card: &Card, output: &Output) -> Result<(), Failure> {
    let command = Command::Par(pan(&card.pan_file)?);
    match connect(&card.at.dir)?.call(&command, None).map_err(|error| refused(&error))? {
        Reply::Par(par) => {
            output.item(|| json!({"ok": true, "par": par.as_str()}), || Some(par.to_string()));
            Ok(())
        }
        _ => Err(Failure::new("the daemon answered something else")),
    }
}

/// Prints the fingerprint of a PAN.
pub fn fingerprint(card: &Card, output: &Output) -> Result<(), Failure> {
    let command = Command::Fingerprint(pan(&card.pan_file)?);
    match connect(&card.at.dir)?.call(&command, None).map_err(|error| refused(&error))? {
        Reply::Fingerprint(value) => {
            output.item(
                || json!({"ok": true, "fingerprint": value.to_hex(), "fingerprint_short": value.to_short()}),
                || Some(format!("{}\n{}", value.to_hex(), value.to_short())),
            );
            Ok(())
        }
        _ => Err(Failure::new("the daemon answered something else")),
    }
}

/// That the cardholder consented.
pub fn consent(arguments: &Provision) -> Result<(), Failure> {
    let given = Consent::given(arguments.consent);
    given.map(|_| ()).map_err(|error| Failure::new(format!("{error}; say so with --consent")))
}

/// A part of the evidence of authentication.
pub fn reference(text: &str) -> Result<Reference, Failure> {
    let missing = EvidenceError::EvidenceMissing;
    let hint = format!("{missing}; give --auth-provider and --auth-reference");
    Reference::parse(text).map_err(|_| Failure::new(hint))
}

fn evidence(arguments: &Provision) -> Result<Evidence, Failure> {
    Ok(Evidence {
        provider: reference(&arguments.auth_provider)?,
        reference: reference(&arguments.auth_reference)?,
        auth_reference: arguments.auth_number.as_deref().map(AuthReference::parse).transpose()?,
    })
}

/// The providers that a token becomes active at, if they are not the network.
pub fn providers(arguments: &Provision) -> Result<Option<Vec<ProviderName>>, Failure> {
    let names = arguments.providers.as_ref();
    let parsed =
        names.map(|names| names.iter().map(|name| ProviderName::parse(name)).collect::<Result<_, _>>());
    parsed.transpose().map_err(|error| Failure::new(format!("--providers: {error}")))
}

/// Where and how a token may be used.
pub fn domain(arguments: &Provision) -> Result<Domain, Failure> {
    let mut domain = Domain::default();
    if let Some(merchant) = &arguments.merchant {
        let merchant = Merchant::parse(merchant.as_bytes());
        let merchant = merchant.map_err(|error| Failure::new(format!("--merchant: {error}")))?;
        domain.merchant = Some(merchant.as_bytes().into());
    }
    if !arguments.channels.is_empty() {
        let bits = arguments.channels.iter().fold(0, |bits, name| bits | 1 << channel(*name).number());
        domain.channels = Channels::from_bits(bits)?;
    }
    for part in &arguments.demand {
        domain.demands = domain.demands.with(match part {
            Part::Amount => Binding::AMOUNT,
            Part::Merchant => Binding::MERCHANT,
            Part::Un => Binding::UNPREDICTABLE,
        });
    }
    Ok(domain)
}
