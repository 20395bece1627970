//! PROVISION: a card with consent, evidence and domain.

use super::{EXPIRY, PAN, entry, field, pan_text, text};
use crate::command::{CardSource, Provision};
use crate::types::{
    AuthReference, Binding, Channels, Consent, Domain, Evidence, Merchant, Par, ProviderName, Reference,
};
use crate::wire::cbor::{self, Field, Fields, Key, Value};
use crate::wire::{Fault, Status};

const TRID: Key = Key::new(3, "trid");
const CONSENT: Key = Key::new(4, "consent");
const AUTH_PROVIDER: Key = Key::new(5, "authentication provider");
const AUTH_REFERENCE: Key = Key::new(6, "authentication reference");
const AUTH_NUMBER: Key = Key::new(7, "authentication reference number");
const PAR: Key = Key::new(8, "par");
const MERCHANT: Key = Key::new(9, "merchant");
const CHANNELS: Key = Key::new(10, "channels");
const DEMANDS: Key = Key::new(11, "demands");
const PROVIDERS: Key = Key::new(12, "providers");
const HANDLE: Key = Key::new(13, "handle");

/// Most providers named in one request.
const MAX_PROVIDERS: usize = 8;

pub(super) fn decode(fields: &mut Fields<'_>) -> Result<Provision, Fault> {
    let card = card(fields)?;
    let trid = field::trid(fields, TRID)?;
    let consent = fields.optional_bool(CONSENT)?.unwrap_or(false);
    Consent::given(consent).map_err(|_| CONSENT.fault(Status::ConsentMissing))?;
    let evidence = evidence(fields)?;
    // The engine checks it for a held card, when that is in its place.
    if let CardSource::Clear { pan, .. } = &card {
        let checked = evidence.check_for(pan.network());
        checked.map_err(|_| AUTH_NUMBER.fault(Status::AuthReferenceRequired))?;
    }
    let par = fields.optional_text(PAR)?.map(Par::parse).transpose();
    let par = par.map_err(|_| PAR.fault(Status::ParMalformed))?;
    let domain = domain(fields)?;
    let providers = fields.optional_list(PROVIDERS)?.map(providers).transpose()?;
    Ok(Provision { card, trid, evidence, par, domain, providers })
}

/// A card is given in clear or by its handle, not both: what is over is an unknown field.
fn card(fields: &mut Fields<'_>) -> Result<CardSource, Fault> {
    if let Some(handle) = entry::handle(fields, HANDLE)? {
        return Ok(CardSource::Held(handle));
    }
    Ok(CardSource::Clear { pan: field::pan(fields, PAN)?, expiry: field::expiry(fields, EXPIRY)? })
}

fn evidence(fields: &mut Fields<'_>) -> Result<Evidence, Fault> {
    let mut reference = |key: Key| {
        let given = fields.optional_text(key)?.ok_or(key.fault(Status::EvidenceMissing))?;
        Reference::parse(given).map_err(|_| key.fault(Status::EvidenceMalformed))
    };
    let provider = reference(AUTH_PROVIDER)?;
    let reference = reference(AUTH_REFERENCE)?;
    let number = fields.optional_text(AUTH_NUMBER)?.map(AuthReference::parse).transpose();
    let auth_reference = number.map_err(|_| AUTH_NUMBER.fault(Status::AuthReferenceMalformed))?;
    Ok(Evidence { provider, reference, auth_reference })
}

fn domain(fields: &mut Fields<'_>) -> Result<Domain, Fault> {
    let mut domain = Domain::default();
    if let Some(merchant) = fields.optional_text(MERCHANT)? {
        let merchant = Merchant::parse(merchant.as_bytes());
        let merchant = merchant.map_err(|_| MERCHANT.fault(Status::MerchantMalformed))?;
        domain.merchant = Some(merchant.as_bytes().into());
    }
    if let Some(bits) = fields.optional_uint(CHANNELS)? {
        let channels = u8::try_from(bits).ok().and_then(|bits| Channels::from_bits(bits).ok());
        domain.channels = channels.ok_or(CHANNELS.fault(Status::ChannelMalformed))?;
    }
    if let Some(bits) = fields.optional_uint(DEMANDS)? {
        let demands = u8::try_from(bits).ok().and_then(|bits| Binding::from_bits(bits).ok());
        domain.demands = demands.ok_or(DEMANDS.fault(Status::BindingMalformed))?;
    }
    Ok(domain)
}

fn providers(list: Vec<Value<'_>>) -> Result<Vec<ProviderName>, Fault> {
    let fault = PROVIDERS.fault(Status::ProviderMalformed);
    if list.len() > MAX_PROVIDERS {
        return Err(fault);
    }
    let mut names: Vec<ProviderName> = Vec::with_capacity(list.len());
    for value in list {
        let Value::Text(name) = value else { return Err(PROVIDERS.fault(Status::BodyMalformed)) };
        let name = ProviderName::parse(name).map_err(|_| fault)?;
        if names.contains(&name) {
            return Err(fault);
        }
        names.push(name);
    }
    Ok(names)
}

pub(super) fn encode(out: &mut Vec<u8>, request: &Provision, key: Field<'_>) {
    let (pan, expiry, handle) = match &request.card {
        CardSource::Clear { pan, expiry } => (Some(pan), Some(expiry.to_string()), None),
        CardSource::Held(handle) => (None, None, Some(handle)),
    };
    let trid = request.trid.to_string();
    let Domain { merchant, channels, demands } = &request.domain;
    let merchant = merchant.as_deref().and_then(|name| std::str::from_utf8(name).ok());
    let name = |name: &'_ ProviderName| Value::Owned(name.as_str().to_owned());
    let providers = request.providers.as_ref().map(|names| Value::List(names.iter().map(name).collect()));
    let number = request.evidence.auth_reference.as_ref();
    cbor::write(
        out,
        &[
            key,
            (PAN, pan.and_then(|pan| pan_text(PAN, pan).1)),
            (EXPIRY, expiry.as_deref().map(Value::Text)),
            text(TRID, &trid),
            (CONSENT, Some(Value::Bool(true))),
            text(AUTH_PROVIDER, request.evidence.provider.as_str()),
            text(AUTH_REFERENCE, request.evidence.reference.as_str()),
            (AUTH_NUMBER, number.map(|number| Value::Text(number.as_str()))),
            (PAR, request.par.as_ref().map(|par| Value::Text(par.as_str()))),
            (MERCHANT, merchant.map(Value::Text)),
            (CHANNELS, Some(Value::Uint(channels.bits().into()))),
            (DEMANDS, Some(Value::Uint(demands.bits().into()))),
            (PROVIDERS, providers),
            (HANDLE, handle.map(|handle| Value::Bytes(handle.as_bytes()))),
        ],
    );
}
