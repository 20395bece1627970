//! What may be shown of a token, as a map.

use super::{expiry, fingerprint, malformed};
use crate::command::TokenView;
use crate::types::{
    Binding, Channels, DeactivationReason, Domain, Merchant, Network, Par, ProviderName, ProviderStates,
    ProviderStatus, TokenNumber, Trid, UnixTime,
};
use crate::wire::Fault;
use crate::wire::cbor::{Field, Fields, Key, Value};

const TOKEN: Key = Key::new(1, "token");
const EXPIRY: Key = Key::new(2, "expiry");
const CARD_EXPIRY: Key = Key::new(3, "card expiry");
const LAST_FOUR: Key = Key::new(4, "card last four");
const PAN_LENGTH: Key = Key::new(5, "pan length");
const NETWORK: Key = Key::new(6, "network");
const TRID: Key = Key::new(7, "trid");
const PAR: Key = Key::new(8, "par");
const FINGERPRINT: Key = Key::new(9, "fingerprint");
const STATUS: Key = Key::new(10, "status");
const REASON: Key = Key::new(11, "reason");
const PROVIDERS: Key = Key::new(12, "providers");
const MERCHANT: Key = Key::new(13, "merchant");
const CHANNELS: Key = Key::new(14, "channels");
const DEMANDS: Key = Key::new(15, "demands");
const CREATED: Key = Key::new(16, "created");

/// The fields of a token.
pub(super) fn fields(view: &TokenView) -> [Field<'_>; 16] {
    let last_four = std::str::from_utf8(&view.card_last_four).unwrap_or_default();
    let overall = view.providers.overall();
    let providers = view.providers.as_slice().iter().map(provider).collect();
    let merchant = view.domain.merchant.as_deref().and_then(|name| std::str::from_utf8(name).ok());
    [
        (TOKEN, Some(Value::Owned(view.token.to_string()))),
        (EXPIRY, Some(Value::Owned(view.expiry.to_string()))),
        (CARD_EXPIRY, Some(Value::Owned(view.card_expiry.to_string()))),
        (LAST_FOUR, Some(Value::Text(last_four))),
        (PAN_LENGTH, Some(Value::Uint(view.pan_length.into()))),
        (NETWORK, Some(Value::Text(view.network.name()))),
        (TRID, Some(Value::Owned(view.trid.to_string()))),
        (PAR, Some(Value::Text(view.par.as_str()))),
        (FINGERPRINT, Some(Value::Bytes(view.fingerprint.as_bytes()))),
        (STATUS, Some(Value::Text(overall.name()))),
        (REASON, overall.reason().map(|reason| Value::Text(reason.name()))),
        (PROVIDERS, Some(Value::List(providers))),
        (MERCHANT, merchant.map(Value::Text)),
        (CHANNELS, Some(Value::Uint(view.domain.channels.bits().into()))),
        (DEMANDS, Some(Value::Uint(view.domain.demands.bits().into()))),
        (CREATED, Some(Value::Uint(view.created.seconds()))),
    ]
}

pub(super) fn decode(mut fields: Fields<'_>) -> Result<TokenView, Fault> {
    let byte = |key, number: u64| u8::try_from(number).map_err(|_| malformed(key));
    let providers = fields.list(PROVIDERS)?.into_iter().map(provider_of);
    let providers = providers.collect::<Option<_>>().ok_or(malformed(PROVIDERS))?;
    let view = TokenView {
        token: TokenNumber::parse(fields.text(TOKEN)?.as_bytes()).map_err(|_| malformed(TOKEN))?,
        expiry: expiry(&mut fields, EXPIRY)?,
        card_expiry: expiry(&mut fields, CARD_EXPIRY)?,
        card_last_four: fields.text(LAST_FOUR)?.as_bytes().try_into().map_err(|_| malformed(LAST_FOUR))?,
        pan_length: byte(PAN_LENGTH, fields.uint(PAN_LENGTH)?)?,
        network: Network::from_name(fields.text(NETWORK)?).ok_or(malformed(NETWORK))?,
        trid: Trid::parse(fields.text(TRID)?.as_bytes()).map_err(|_| malformed(TRID))?,
        par: Par::parse(fields.text(PAR)?).map_err(|_| malformed(PAR))?,
        fingerprint: fingerprint(&mut fields, FINGERPRINT)?,
        providers: ProviderStates::from_list(providers).map_err(|_| malformed(PROVIDERS))?,
        domain: domain(&mut fields)?,
        created: UnixTime::from_seconds(fields.uint(CREATED)?),
    };
    // They follow from the providers; a reply in which they do not is not believed.
    let overall = view.providers.overall();
    let reason = fields.optional_text(REASON)?;
    if fields.text(STATUS)? != overall.name() || reason != overall.reason().map(DeactivationReason::name) {
        return Err(malformed(STATUS));
    }
    fields.finish()?;
    Ok(view)
}

fn domain(fields: &mut Fields<'_>) -> Result<Domain, Fault> {
    let byte = |number: u64| u8::try_from(number).ok();
    let merchant = fields.optional_text(MERCHANT)?.map(|name| Merchant::parse(name.as_bytes())).transpose();
    let channels = byte(fields.uint(CHANNELS)?).and_then(|bits| Channels::from_bits(bits).ok());
    let demands = byte(fields.uint(DEMANDS)?).and_then(|bits| Binding::from_bits(bits).ok());
    Ok(Domain {
        merchant: merchant.map_err(|_| malformed(MERCHANT))?.map(|merchant| merchant.as_bytes().into()),
        channels: channels.ok_or(malformed(CHANNELS))?,
        demands: demands.ok_or(malformed(DEMANDS))?,
    })
}

/// A provider: its name, the status, and the reason if it is deactivated.
fn provider((name, status): &(ProviderName, ProviderStatus)) -> Value<'_> {
    let name = Value::Text(name.as_str());
    Value::List(match status {
        ProviderStatus::Active => vec![name, Value::Text("active")],
        ProviderStatus::Suspended => vec![name, Value::Text("suspended")],
        ProviderStatus::Deactivated(reason) => {
            vec![name, Value::Text("deactivated"), Value::Text(reason.name())]
        }
    })
}

fn provider_of(value: Value<'_>) -> Option<(ProviderName, ProviderStatus)> {
    let Value::List(list) = value else { return None };
    let (name, status) = match *list.as_slice() {
        [Value::Text(name), Value::Text("active")] => (name, ProviderStatus::Active),
        [Value::Text(name), Value::Text("suspended")] => (name, ProviderStatus::Suspended),
        [Value::Text(name), Value::Text("deactivated"), Value::Text(reason)] => {
            (name, ProviderStatus::Deactivated(DeactivationReason::from_name(reason)?))
        }
        _ => return None,
    };
    Some((ProviderName::parse(name).ok()?, status))
}
