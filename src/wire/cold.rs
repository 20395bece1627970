//! The CBOR bodies of all other requests: read as they stand, then parsed field
//! by field into what the engine takes, each fault with its own status.

use super::cbor::{self, Fields, Value};
use super::{Fault, Opcode, Status};
use crate::command::{ChangeStatus, Command, LinkPar, List, Provision, Renew};
use crate::types::{
    AuthReference, Binding, Channels, Consent, DeactivationReason, Domain, Evidence, Expiry, IdempotencyKey,
    Merchant, Pan, PanError, Par, ProviderName, Reference, StatusEvent, TokenNumber, Trid,
};

/// The idempotency key's field, the same in every request.
const KEY: u64 = 0;

/// Fields of a request for a token.
mod token {
    pub(super) const TOKEN: u64 = 1;
    pub(super) const EXPIRY: u64 = 2;
    pub(super) const EVENT: u64 = 2;
    pub(super) const REASON: u64 = 3;
    pub(super) const PROVIDER: u64 = 4;
}

/// Fields of a request with a PAN.
mod card {
    pub(super) const PAN: u64 = 1;
    pub(super) const EXPIRY: u64 = 2;
    pub(super) const PREDECESSOR: u64 = 2;
    pub(super) const TRID: u64 = 3;
    pub(super) const CONSENT: u64 = 4;
    pub(super) const AUTH_PROVIDER: u64 = 5;
    pub(super) const AUTH_REFERENCE: u64 = 6;
    pub(super) const AUTH_NUMBER: u64 = 7;
    pub(super) const PAR: u64 = 8;
    pub(super) const MERCHANT: u64 = 9;
    pub(super) const CHANNELS: u64 = 10;
    pub(super) const DEMANDS: u64 = 11;
    pub(super) const PROVIDERS: u64 = 12;
}

/// Fields of a request for a list.
mod list {
    pub(super) const TRID: u64 = 1;
    pub(super) const AFTER: u64 = 2;
    pub(super) const LIMIT: u64 = 3;
}

/// Most providers named in one request.
const MAX_PROVIDERS: usize = 8;

/// Reads the body of a request that has no fixed layout.
pub(super) fn decode(
    opcode: Opcode,
    body: &[u8],
) -> Result<(Command<'_>, Option<IdempotencyKey<'_>>), Fault> {
    let mut fields = cbor::read(body)?;
    let key = fields.optional_bytes(KEY)?;
    let key = key.map(IdempotencyKey::parse).transpose();
    let key = key.map_err(|_| Fault::of_field(Status::IdempotencyKeyMalformed, KEY))?;
    let command = match opcode {
        Opcode::Provision => Command::Provision(Box::new(provision(&mut fields)?)),
        Opcode::Show => Command::Show(token_number(&mut fields, token::TOKEN)?),
        Opcode::Detokenize => Command::Detokenize(token_number(&mut fields, token::TOKEN)?),
        Opcode::ClearShortLock => Command::ClearShortLock(token_number(&mut fields, token::TOKEN)?),
        Opcode::List => Command::List(list_of(&mut fields)?),
        Opcode::ChangeStatus => Command::ChangeStatus(change_status(&mut fields)?),
        Opcode::Renew => Command::Renew(Renew {
            token: token_number(&mut fields, token::TOKEN)?,
            expiry: expiry(&mut fields, token::EXPIRY)?,
        }),
        Opcode::LinkPar => Command::LinkPar(LinkPar {
            pan: pan(&mut fields)?,
            predecessor: token_number(&mut fields, card::PREDECESSOR)?,
        }),
        Opcode::Par => Command::Par(pan(&mut fields)?),
        Opcode::Fingerprint => Command::Fingerprint(pan(&mut fields)?),
        _ => return Err(Status::UnknownOpcode.into()),
    };
    fields.finish()?;
    if key.is_some() && !command.operation().is_changing() {
        return Err(Fault::of_field(Status::IdempotencyKeyMalformed, KEY));
    }
    Ok((command, key))
}

/// Writes the body of a command that has no fixed layout.
pub(super) fn encode(out: &mut Vec<u8>, command: &Command<'_>, key: Option<IdempotencyKey<'_>>) {
    let key = (KEY, key.map(|key| Value::Bytes(key.as_bytes())));
    match command {
        Command::Provision(provision) => encode_provision(out, provision, key),
        Command::Show(number) | Command::Detokenize(number) | Command::ClearShortLock(number) => {
            cbor::write(out, &[key, text(token::TOKEN, number.digits().as_str())]);
        }
        Command::List(List { trid, after, limit }) => {
            let after = after.map(|after| Value::Uint(after.into()));
            let limit = Some(Value::Uint((*limit).into()));
            let trid = trid.to_string();
            cbor::write(out, &[key, text(list::TRID, &trid), (list::AFTER, after), (list::LIMIT, limit)]);
        }
        Command::ChangeStatus(change) => encode_change(out, change, key),
        Command::Renew(Renew { token, expiry }) => {
            let (token, expiry) = (token.digits(), expiry.to_string());
            cbor::write(out, &[key, text(token::TOKEN, token.as_str()), text(token::EXPIRY, &expiry)]);
        }
        Command::LinkPar(LinkPar { pan, predecessor }) => {
            let predecessor = predecessor.digits();
            cbor::write(out, &[key, pan_text(pan), text(card::PREDECESSOR, predecessor.as_str())]);
        }
        Command::Par(pan) | Command::Fingerprint(pan) => cbor::write(out, &[key, pan_text(pan)]),
        Command::Issue(_) | Command::Verify(_) | Command::IssueShort(_) | Command::VerifyShort(_) => {}
    }
}

type Field<'v> = (u64, Option<Value<'v>>);

fn encode_provision(out: &mut Vec<u8>, request: &Provision, key: Field<'_>) {
    let (expiry, trid) = (request.expiry.to_string(), request.trid.to_string());
    let evidence = &request.evidence;
    let merchant = request.domain.merchant.as_deref().and_then(|name| std::str::from_utf8(name).ok());
    let providers = request
        .providers
        .as_ref()
        .map(|names| Value::List(names.iter().map(|name| Value::Text(name.as_str())).collect()));
    let number = evidence.auth_reference.as_ref().map(|number| Value::Text(number.as_str()));
    cbor::write(
        out,
        &[
            key,
            pan_text(&request.pan),
            text(card::EXPIRY, &expiry),
            text(card::TRID, &trid),
            (card::CONSENT, Some(Value::Bool(true))),
            text(card::AUTH_PROVIDER, evidence.provider.as_str()),
            text(card::AUTH_REFERENCE, evidence.reference.as_str()),
            (card::AUTH_NUMBER, number),
            (card::PAR, request.par.as_ref().map(|par| Value::Text(par.as_str()))),
            (card::MERCHANT, merchant.map(Value::Text)),
            (card::CHANNELS, Some(Value::Uint(request.domain.channels.bits().into()))),
            (card::DEMANDS, Some(Value::Uint(request.domain.demands.bits().into()))),
            (card::PROVIDERS, providers),
        ],
    );
}

fn encode_change(out: &mut Vec<u8>, change: &ChangeStatus, key: Field<'_>) {
    let (event, reason) = match change.event {
        StatusEvent::Suspend => ("suspend", None),
        StatusEvent::Resume => ("resume", None),
        StatusEvent::Deactivate(reason) => ("deactivate", Some(reason.name())),
    };
    let token = change.token.digits();
    cbor::write(
        out,
        &[
            key,
            text(token::TOKEN, token.as_str()),
            text(token::EVENT, event),
            (token::REASON, reason.map(Value::Text)),
            (token::PROVIDER, change.provider.as_ref().map(|name| Value::Text(name.as_str()))),
        ],
    );
}

fn text(key: u64, text: &str) -> Field<'_> {
    (key, Some(Value::Text(text)))
}

fn pan_text(pan: &Pan) -> Field<'_> {
    text(card::PAN, std::str::from_utf8(pan.expose_digits()).unwrap_or_default())
}

fn provision(fields: &mut Fields<'_>) -> Result<Provision, Fault> {
    let pan = pan(fields)?;
    let expiry = expiry(fields, card::EXPIRY)?;
    let trid = trid(fields, card::TRID)?;
    let consent = fields.optional_bool(card::CONSENT)?.unwrap_or(false);
    Consent::given(consent).map_err(|_| Fault::of_field(Status::ConsentMissing, card::CONSENT))?;
    let evidence = evidence(fields)?;
    evidence
        .check_for(pan.network())
        .map_err(|_| Fault::of_field(Status::AuthReferenceRequired, card::AUTH_NUMBER))?;
    let par = fields.optional_text(card::PAR)?.map(Par::parse).transpose();
    let par = par.map_err(|_| Fault::of_field(Status::ParMalformed, card::PAR))?;
    let domain = domain(fields)?;
    let providers = fields.optional_list(card::PROVIDERS)?.map(providers).transpose()?;
    Ok(Provision { pan, expiry, trid, evidence, par, domain, providers })
}

fn evidence(fields: &mut Fields<'_>) -> Result<Evidence, Fault> {
    let mut reference = |key| {
        let missing = Fault::of_field(Status::EvidenceMissing, key);
        let given = fields.optional_text(key)?.ok_or(missing)?;
        Reference::parse(given).map_err(|_| missing)
    };
    let provider = reference(card::AUTH_PROVIDER)?;
    let reference = reference(card::AUTH_REFERENCE)?;
    let number = fields.optional_text(card::AUTH_NUMBER)?.map(AuthReference::parse).transpose();
    let auth_reference =
        number.map_err(|_| Fault::of_field(Status::AuthReferenceMalformed, card::AUTH_NUMBER))?;
    Ok(Evidence { provider, reference, auth_reference })
}

fn domain(fields: &mut Fields<'_>) -> Result<Domain, Fault> {
    let mut domain = Domain::default();
    if let Some(merchant) = fields.optional_text(card::MERCHANT)? {
        let merchant = Merchant::parse(merchant.as_bytes());
        let merchant = merchant.map_err(|_| Fault::of_field(Status::MerchantMalformed, card::MERCHANT))?;
        domain.merchant = Some(merchant.as_bytes().into());
    }
    if let Some(bits) = fields.optional_uint(card::CHANNELS)? {
        let channels = u8::try_from(bits).ok().and_then(|bits| Channels::from_bits(bits).ok());
        domain.channels = channels.ok_or(Fault::of_field(Status::ChannelMalformed, card::CHANNELS))?;
    }
    if let Some(bits) = fields.optional_uint(card::DEMANDS)? {
        let demands = u8::try_from(bits).ok().and_then(|bits| Binding::from_bits(bits).ok());
        domain.demands = demands.ok_or(Fault::of_field(Status::BindingMalformed, card::DEMANDS))?;
    }
    Ok(domain)
}

fn providers(list: Vec<Value<'_>>) -> Result<Vec<ProviderName>, Fault> {
    let fault = Fault::of_field(Status::ProviderMalformed, card::PROVIDERS);
    if list.len() > MAX_PROVIDERS {
        return Err(fault);
    }
    let mut names: Vec<ProviderName> = Vec::new();
    for value in list {
        let Value::Text(name) = value else { return Err(fault) };
        let name = ProviderName::parse(name).map_err(|_| fault)?;
        if names.contains(&name) {
            return Err(fault);
        }
        names.push(name);
    }
    Ok(names)
}

fn list_of(fields: &mut Fields<'_>) -> Result<List, Fault> {
    let trid = trid(fields, list::TRID)?;
    let after = fields.optional_uint(list::AFTER)?.map(u32::try_from).transpose();
    let after = after.map_err(|_| Fault::of_field(Status::LimitMalformed, list::AFTER))?;
    let limit = u8::try_from(fields.uint(list::LIMIT)?).ok().filter(|limit| (1..=100).contains(limit));
    Ok(List { trid, after, limit: limit.ok_or(Fault::of_field(Status::LimitMalformed, list::LIMIT))? })
}

fn change_status(fields: &mut Fields<'_>) -> Result<ChangeStatus, Fault> {
    let token = token_number(fields, token::TOKEN)?;
    let event = fields.text(token::EVENT)?;
    let reason = fields.optional_text(token::REASON)?;
    let event = match (event, reason) {
        ("suspend", None) => Some(StatusEvent::Suspend),
        ("resume", None) => Some(StatusEvent::Resume),
        ("deactivate", Some(reason)) => DeactivationReason::from_name(reason).map(StatusEvent::Deactivate),
        _ => None,
    };
    let event = event.ok_or(Fault::of_field(Status::EventMalformed, token::EVENT))?;
    let provider = fields.optional_text(token::PROVIDER)?.map(ProviderName::parse).transpose();
    let provider = provider.map_err(|_| Fault::of_field(Status::ProviderMalformed, token::PROVIDER))?;
    Ok(ChangeStatus { token, provider, event })
}

fn pan(fields: &mut Fields<'_>) -> Result<Pan, Fault> {
    Pan::parse(fields.text(card::PAN)?.as_bytes()).map_err(|error| {
        let status = match error {
            PanError::Length => Status::PanLength,
            PanError::NotDigits => Status::PanNotDigits,
            PanError::Luhn => Status::PanLuhn,
        };
        Fault::of_field(status, card::PAN)
    })
}

fn token_number(fields: &mut Fields<'_>, key: u64) -> Result<TokenNumber, Fault> {
    let parsed = TokenNumber::parse(fields.text(key)?.as_bytes());
    parsed.map_err(|_| Fault::of_field(Status::TokenMalformed, key))
}

fn trid(fields: &mut Fields<'_>, key: u64) -> Result<Trid, Fault> {
    let parsed = Trid::parse(fields.text(key)?.as_bytes());
    parsed.map_err(|_| Fault::of_field(Status::TridMalformed, key))
}

fn expiry(fields: &mut Fields<'_>, key: u64) -> Result<Expiry, Fault> {
    let parsed = Expiry::parse(fields.text(key)?.as_bytes());
    parsed.map_err(|_| Fault::of_field(Status::ExpiryMalformed, key))
}
