//! The bodies of replies.

use super::cbor::{self, Fields, Value};
use super::{Fault, Opcode, Status};
use crate::command::{Detokenized, Issued, IssuedShort, Page, Reply, TokenView, Verified};
use crate::types::{
    Atc, Binding, Channels, Cryptogram, DeactivationReason, Domain, Expiry, Fingerprint, Merchant, Network,
    Pan, Par, ProviderName, ProviderStates, ProviderStatus, ShortValue, TokenNumber, Trid, UnixTime,
};

/// Appends the body of a reply. It may hold a PAN: the caller wipes the buffer.
pub fn encode_reply(out: &mut Vec<u8>, reply: &Reply) {
    match reply {
        Reply::Issued(Issued { cryptogram, expiry }) => {
            out.extend_from_slice(cryptogram.as_bytes());
            out.extend_from_slice(&expiry.value().to_be_bytes());
        }
        Reply::Verified(Verified { atc }) => out.extend_from_slice(&atc.get().to_be_bytes()),
        Reply::IssuedShort(IssuedShort { value, expiry, atc }) => {
            out.extend_from_slice(&atc.get().to_be_bytes());
            out.extend_from_slice(&expiry.value().to_be_bytes());
            out.extend_from_slice(value.as_bytes());
        }
        Reply::Token(view) => with_view(view, |fields| cbor::write(out, fields)),
        Reply::Page(Page { tokens, next }) => {
            let mut bodies: Vec<Vec<u8>> = Vec::with_capacity(tokens.len());
            for view in tokens {
                let mut body = Vec::new();
                with_view(view, |fields| cbor::write(&mut body, fields));
                bodies.push(body);
            }
            let list = bodies.iter().map(|body| Value::Bytes(body)).collect();
            let next = next.map(|next| Value::Uint(next.into()));
            cbor::write(out, &[(1, Some(Value::List(list))), (2, next)]);
        }
        Reply::Detokenized(Detokenized { pan, expiry }) => {
            let digits = std::str::from_utf8(pan.expose_digits()).unwrap_or_default();
            let expiry = expiry.to_string();
            cbor::write(out, &[(1, Some(Value::Text(digits))), (2, Some(Value::Text(&expiry)))]);
        }
        Reply::Par(par) => cbor::write(out, &[(1, Some(Value::Text(par.as_str())))]),
        Reply::Fingerprint(value) => cbor::write(out, &[(1, Some(Value::Bytes(value.as_bytes())))]),
    }
}

/// Reads the body of a successful reply to `opcode`.
///
/// # Errors
/// [`Fault`] if it is not of that operation's form.
pub fn decode_reply(opcode: Opcode, body: &[u8]) -> Result<Reply, Fault> {
    match opcode {
        Opcode::Issue => {
            let (cryptogram, expiry) = body.split_last_chunk::<2>().ok_or(Status::BodyTruncated)?;
            Ok(Reply::Issued(Issued {
                cryptogram: Cryptogram::from_slice(cryptogram).map_err(|_| Status::CryptogramLength)?,
                expiry: expiry_of(*expiry)?,
            }))
        }
        Opcode::Verify | Opcode::VerifyShort => {
            let atc: [u8; 4] = body.try_into().map_err(|_| Status::BodyMalformed)?;
            Ok(Reply::Verified(Verified { atc: atc_of(atc)? }))
        }
        Opcode::IssueShort => {
            let (atc, rest) = body.split_first_chunk::<4>().ok_or(Status::BodyTruncated)?;
            let (expiry, value) = rest.split_first_chunk::<2>().ok_or(Status::BodyTruncated)?;
            let value = ShortValue::parse(value).map_err(|_| Status::ShortValueMalformed)?;
            Ok(Reply::IssuedShort(IssuedShort { value, expiry: expiry_of(*expiry)?, atc: atc_of(*atc)? }))
        }
        _ => decode_map(opcode, cbor::read(body)?),
    }
}

fn decode_map(opcode: Opcode, mut fields: Fields<'_>) -> Result<Reply, Fault> {
    let reply = match opcode {
        Opcode::Provision | Opcode::Show | Opcode::ChangeStatus | Opcode::Renew | Opcode::ClearShortLock => {
            return view(fields).map(|view| Reply::Token(Box::new(view)));
        }
        Opcode::List => Reply::Page(page(&mut fields)?),
        Opcode::Detokenize => Reply::Detokenized(Detokenized {
            pan: Pan::parse(fields.text(1)?.as_bytes()).map_err(|_| malformed(1))?,
            expiry: Expiry::parse(fields.text(2)?.as_bytes()).map_err(|_| malformed(2))?,
        }),
        Opcode::LinkPar | Opcode::Par => Reply::Par(Par::parse(fields.text(1)?).map_err(|_| malformed(1))?),
        Opcode::Fingerprint => Reply::Fingerprint(fingerprint(&mut fields, 1)?),
        _ => return Err(Status::UnknownOpcode.into()),
    };
    fields.finish()?;
    Ok(reply)
}

/// The fields of a token, handed to `write` while what they borrow is alive.
fn with_view(view: &TokenView, write: impl FnOnce(&[(u64, Option<Value<'_>>)])) {
    let token = view.token.digits();
    let (expiry, card_expiry, trid) =
        (view.expiry.to_string(), view.card_expiry.to_string(), view.trid.to_string());
    let last_four = std::str::from_utf8(&view.card_last_four).unwrap_or_default();
    let overall = view.providers.overall();
    let providers = view.providers.as_slice().iter().map(|(name, status)| {
        let (status, reason) = provider_status(*status);
        Value::List(vec![Value::Text(name.as_str()), Value::Text(status), Value::Text(reason)])
    });
    let merchant = view.domain.merchant.as_deref().and_then(|name| std::str::from_utf8(name).ok());
    write(&[
        (1, Some(Value::Text(token.as_str()))),
        (2, Some(Value::Text(&expiry))),
        (3, Some(Value::Text(&card_expiry))),
        (4, Some(Value::Text(last_four))),
        (5, Some(Value::Uint(view.pan_length.into()))),
        (6, Some(Value::Text(view.network.name()))),
        (7, Some(Value::Text(&trid))),
        (8, Some(Value::Text(view.par.as_str()))),
        (9, Some(Value::Bytes(view.fingerprint.as_bytes()))),
        (10, Some(Value::Text(overall.name()))),
        (11, overall.reason().map(|reason| Value::Text(reason.name()))),
        (12, Some(Value::List(providers.collect()))),
        (13, merchant.map(Value::Text)),
        (14, Some(Value::Uint(view.domain.channels.bits().into()))),
        (15, Some(Value::Uint(view.domain.demands.bits().into()))),
        (16, Some(Value::Uint(view.created.seconds()))),
    ]);
}

fn view(mut fields: Fields<'_>) -> Result<TokenView, Fault> {
    let last_four: [u8; 4] = fields.text(4)?.as_bytes().try_into().map_err(|_| malformed(4))?;
    let byte = |key, number: u64| u8::try_from(number).map_err(|_| malformed(key));
    let merchant = fields.optional_text(13)?.map(|name| Merchant::parse(name.as_bytes())).transpose();
    let providers = fields.optional_list(12)?.ok_or(Fault::of_field(Status::FieldMissing, 12))?;
    let providers = providers.into_iter().map(provider).collect::<Option<_>>().ok_or(malformed(12))?;
    let view = TokenView {
        token: TokenNumber::parse(fields.text(1)?.as_bytes()).map_err(|_| malformed(1))?,
        expiry: Expiry::parse(fields.text(2)?.as_bytes()).map_err(|_| malformed(2))?,
        card_expiry: Expiry::parse(fields.text(3)?.as_bytes()).map_err(|_| malformed(3))?,
        card_last_four: last_four,
        pan_length: byte(5, fields.uint(5)?)?,
        network: Network::from_name(fields.text(6)?).ok_or(malformed(6))?,
        trid: Trid::parse(fields.text(7)?.as_bytes()).map_err(|_| malformed(7))?,
        par: Par::parse(fields.text(8)?).map_err(|_| malformed(8))?,
        fingerprint: fingerprint(&mut fields, 9)?,
        providers: ProviderStates::from_list(providers).map_err(|_| malformed(12))?,
        domain: Domain {
            merchant: merchant.map_err(|_| malformed(13))?.map(|merchant| merchant.as_bytes().into()),
            channels: Channels::from_bits(byte(14, fields.uint(14)?)?).map_err(|_| malformed(14))?,
            demands: Binding::from_bits(byte(15, fields.uint(15)?)?).map_err(|_| malformed(15))?,
        },
        created: UnixTime::from_seconds(fields.uint(16)?),
    };
    let overall = view.providers.overall();
    let reason = fields.optional_text(11)?;
    if fields.text(10)? != overall.name() || reason != overall.reason().map(DeactivationReason::name) {
        return Err(malformed(10));
    }
    fields.finish()?;
    Ok(view)
}

fn page(fields: &mut Fields<'_>) -> Result<Page, Fault> {
    let list = fields.optional_list(1)?.ok_or(Fault::of_field(Status::FieldMissing, 1))?;
    let token = |value| match value {
        Value::Bytes(body) => view(cbor::read(body)?),
        _ => Err(malformed(1)),
    };
    let tokens = list.into_iter().map(token).collect::<Result<_, _>>()?;
    let next = fields.optional_uint(2)?.map(u32::try_from).transpose().map_err(|_| malformed(2))?;
    Ok(Page { tokens, next })
}

fn provider(value: Value<'_>) -> Option<(ProviderName, ProviderStatus)> {
    let Value::List(list) = value else { return None };
    let [Value::Text(name), Value::Text(status), Value::Text(reason)] = list.as_slice() else {
        return None;
    };
    let status = match (*status, *reason) {
        ("active", "") => ProviderStatus::Active,
        ("suspended", "") => ProviderStatus::Suspended,
        ("deactivated", reason) => ProviderStatus::Deactivated(DeactivationReason::from_name(reason)?),
        _ => return None,
    };
    Some((ProviderName::parse(name).ok()?, status))
}

const fn provider_status(status: ProviderStatus) -> (&'static str, &'static str) {
    match status {
        ProviderStatus::Active => ("active", ""),
        ProviderStatus::Suspended => ("suspended", ""),
        ProviderStatus::Deactivated(reason) => ("deactivated", reason.name()),
    }
}

fn fingerprint(fields: &mut Fields<'_>, key: u64) -> Result<Fingerprint, Fault> {
    let bytes = fields.optional_bytes(key)?.ok_or(Fault::of_field(Status::FieldMissing, key))?;
    bytes.try_into().map(Fingerprint::from_bytes).map_err(|_| malformed(key))
}

fn expiry_of(bytes: [u8; 2]) -> Result<Expiry, Fault> {
    Expiry::from_value(u16::from_be_bytes(bytes)).map_err(|_| Status::ExpiryMalformed.into())
}

fn atc_of(bytes: [u8; 4]) -> Result<Atc, Fault> {
    Atc::new(u32::from_be_bytes(bytes)).ok_or(Status::BodyMalformed.into())
}

const fn malformed(key: u64) -> Fault {
    Fault::of_field(Status::BodyMalformed, key)
}
