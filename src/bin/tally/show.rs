//! How tokens and pages look.

use serde_json::{Value, json};
use tallystick::account::mask_last_four;
use tallystick::command::TokenView;
use tallystick::keys::KeyInfo;
use tallystick::types::{Channel, DeactivationReason, ProviderStatus};

/// A token as a JSON object.
pub fn token_json(view: &TokenView) -> Value {
    let overall = view.providers.overall();
    let providers = view.providers.as_slice().iter().map(|(name, status)| {
        let (status, reason) = provider(*status);
        json!({"name": name.as_str(), "status": status, "reason": reason})
    });
    let channels = Channel::ALL.into_iter().filter(|channel| view.domain.channels.allows(*channel));
    json!({
        "token": view.token.to_string(),
        "expiry": view.expiry.to_string(),
        "trid": view.trid.to_string(),
        "status": overall.name(),
        "status_reason": overall.reason().map(DeactivationReason::name),
        "providers": providers.collect::<Vec<_>>(),
        "card": {
            "network": view.network.name(),
            "display": mask_last_four(view.card_last_four, view.pan_length),
            "last_four": text(&view.card_last_four),
            "expiry": view.card_expiry.to_string(),
        },
        "par": view.par.as_str(),
        "fingerprint": view.fingerprint.to_hex(),
        "fingerprint_short": view.fingerprint.to_short(),
        "domain": {
            "merchant": view.domain.merchant.as_deref().map(text),
            "channels": channels.map(Channel::name).collect::<Vec<_>>(),
            "demands": view.domain.demands.bits(),
        },
        "created": view.created.seconds(),
    })
}

/// A token as the JSON of a command that went well.
pub fn done_json(view: &TokenView) -> Value {
    let mut json = token_json(view);
    if let Some(object) = json.as_object_mut() {
        object.insert("ok".to_owned(), true.into());
    }
    json
}

/// A token as lines of text.
pub fn token_text(view: &TokenView) -> String {
    let overall = view.providers.overall();
    let mut status = overall.name().to_owned();
    if let Some(reason) = overall.reason() {
        status += &format!(" ({})", reason.name());
    }
    let providers: Vec<_> = view
        .providers
        .as_slice()
        .iter()
        .map(|(name, status)| format!("{} {}", name.as_str(), provider(*status).0))
        .collect();
    let mut lines = vec![
        ("token", view.token.to_string()),
        ("expiry", view.expiry.to_string()),
        ("requestor", view.trid.to_string()),
        ("status", status),
        ("providers", providers.join(", ")),
        (
            "card",
            format!(
                "{} {}, expiry {}",
                view.network,
                mask_last_four(view.card_last_four, view.pan_length),
                view.card_expiry
            ),
        ),
        ("PAR", view.par.to_string()),
        ("fingerprint", view.fingerprint.to_short()),
    ];
    if let Some(merchant) = &view.domain.merchant {
        lines.push(("merchant", text(merchant)));
    }
    lines.iter().map(|(name, value)| format!("{name:<12} {value}")).collect::<Vec<_>>().join("\n")
}

/// One line of a list.
pub fn token_line(view: &TokenView) -> String {
    format!(
        "{:<19} {} {:<11} {:<10} {}",
        view.token.to_string(),
        view.expiry,
        view.providers.overall().name(),
        view.network.name(),
        mask_last_four(view.card_last_four, view.pan_length)
    )
}

/// What may be shown of a key, as a JSON object.
pub fn key_json(key: &KeyInfo) -> Value {
    let (version, kcv) = (key.version.get(), key.kcv.to_string());
    json!({"purpose": key.purpose.name(), "version": version, "state": key.state.name(), "kcv": kcv})
}

/// What may be shown of a key, as a line.
pub fn key_line(key: &KeyInfo) -> String {
    let (purpose, state) = (key.purpose.name(), key.state.name());
    format!("key            {purpose:<17} version {} {state}, check value {}", key.version, key.kcv)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const fn provider(status: ProviderStatus) -> (&'static str, Option<&'static str>) {
    match status {
        ProviderStatus::Active => ("active", None),
        ProviderStatus::Suspended => ("suspended", None),
        ProviderStatus::Deactivated(reason) => ("deactivated", Some(reason.name())),
    }
}
