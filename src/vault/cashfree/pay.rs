//! An order is paid: by card, by saved instrument, or by a network token with its
//! cryptogram.

use serde_json::json;

use super::Error;
use super::visit::{Version, key};
use crate::types::{Cryptogram, TokenNumber, Trid, UnixTime};
use crate::vault::body::{Fields, Text, Why, digest};
use crate::vault::card::CardFace;
use crate::vault::db::{Api, Asked, Instrument, Order, Payment, Source, Stored};
use crate::vault::house::{Begin, Entered, Fault, House, card_expiry};
use crate::vault::http::{Answer, Call};
use crate::vault::ids;
use crate::vault::words::units;

/// What is paid with, and what may be shown of it.
struct Means {
    source: Source,
    card: Option<CardFace>,
}

/// `POST /pg/orders/sessions`: the session is all that lets its bearer pay.
pub fn pay(house: &House, call: &Call) -> Result<Answer, Error> {
    let version = Version::of(call)?;
    let body = call.json()?;
    let fields = Fields::of(&body);
    let session = fields.needed("payment_session_id", Text::ID.up_to(128))?;
    let order =
        house.db.read(|db| Order::by_session(db, session))?.filter(|order| order.api == Api::Cashfree);
    let order = order.ok_or_else(|| {
        Error::invalid(400, "payment_session_id_invalid", "payment_session_id : is not valid")
    })?;
    let method = fields.object("payment_method")?;
    if !method.is_there() {
        return Err(fields.fault("payment_method", Why::Missing).into());
    }
    let card = method.object("card")?;
    if !card.is_there() || method.names().any(|name| name != "card" && method.get(name).is_some()) {
        return Err(Error::invalid(
            400,
            "payment_method_unsupported",
            "payment_method : only card is served here",
        ));
    }
    let channel = card.needed("channel", Text::ID.up_to(16))?;
    if !["link", "post"].contains(&channel) {
        return Err(card.fault("channel", Why::Value).into());
    }
    let save = fields.flag("save_instrument")?.unwrap_or(false);
    let now = house.now();
    let means = means(house, &order, &card, save, now)?;
    let is_card = matches!(means.source, Source::Card(_));
    let fingerprint = means.card.as_ref().and_then(CardFace::fingerprint).map(|print| print.to_hex());
    let digest = digest(&body, &|path| match path {
        "payment_method.card.card_number" => means.source.instead_of_number(fingerprint.as_deref()),
        "payment_method.card.card_cvv" => Some(String::new()),
        _ => None,
    });
    // Whoever has a session of the merchant's may ask: keys of other orders are not theirs.
    let operation = format!("cashfree/pay/{}", order.pk);
    let asked = key(call)?.map(|key| Asked { merchant: order.merchant, operation: &operation, key, digest });
    let id = ids::number().map_err(Fault::from)?.to_string();
    let save = save && is_card;
    let details = json!({ "channel": channel });
    let begin =
        Begin { order: &order, id, customer: None, source: means.source, card: means.card, save, details };
    let stored = house.begin(&begin, asked.as_ref(), now, |payment| told(house, payment, version))?;
    Ok(stored.into())
}

fn told(house: &House, payment: &Payment, version: Version) -> Stored {
    let channel = payment.detail("channel").as_str().unwrap_or_default();
    let place = if channel == "post" { "pg/orders/pay/authenticate" } else { "acs" };
    let body = json!({
        "action": channel,
        "cf_payment_id": version.id(&payment.id),
        "channel": channel,
        "payment_method": "card",
        "payment_amount": units(payment.amount),
        "data": {
            "url": format!("{}/{place}/{}", house.public, payment.id),
            "payload": null,
            "content_type": null,
            "method": null,
        },
    });
    Stored { status: 200, body: body.to_string() }
}

fn means(house: &House, order: &Order, card: &Fields<'_>, save: bool, now: UnixTime) -> Result<Means, Error> {
    let cvv = card.text("card_cvv", Text::DIGITS.up_to(8))?;
    let by_id = card.text("instrument_id", Text::ID)?;
    let by_uid = card.text("instrument_uid", Text::ID)?;
    if by_id.is_some() || by_uid.is_some() {
        return saved(house, order, by_id, by_uid, cvv);
    }
    let number = card.needed("card_number", Text::SPACED_DIGITS)?;
    let (month, year) = (
        card.text_or_number("card_expiry_mm", Text::DIGITS.up_to(2))?,
        card.text_or_number("card_expiry_yy", Text::DIGITS.up_to(4))?,
    );
    let month = month.ok_or_else(|| card.fault("card_expiry_mm", Why::Missing))?;
    let year = year.ok_or_else(|| card.fault("card_expiry_yy", Why::Missing))?;
    let expiry = card_expiry(&month, &year)?;
    let name = card.text("card_holder_name", Text::LINE.up_to(100))?;
    let Some(cryptogram) = card.text("cryptogram", Text::BASE64.up_to(64))? else {
        let cvv = Some(cvv.ok_or_else(|| card.fault("card_cvv", Why::Missing))?);
        let held = house.hold(&Entered { number, expiry, cvv }, now)?;
        let face = CardFace::of(&held).named(name, None);
        return Ok(Means { source: Source::Card(held.handle), card: Some(face) });
    };
    if save {
        return Err(Error::invalid(
            400,
            "save_instrument_invalid",
            "save_instrument : a token is not saved again",
        ));
    }
    let cryptogram =
        Cryptogram::from_base64_lenient(cryptogram).map_err(|_| card.fault("cryptogram", Why::Value))?;
    let digits: String = number.chars().filter(|c| *c != ' ').collect();
    let token = TokenNumber::parse(digits.as_bytes()).map_err(|_| card.fault("card_number", Why::Value))?;
    house.known(token)?;
    let trid = card.text_or_number("token_requestor_id", Text::DIGITS)?;
    let trid = trid.map(|trid| Trid::parse(trid.as_bytes())).transpose();
    let trid = trid.map_err(|_| card.fault("token_requestor_id", Why::Value))?;
    let shown = card.text("card_display", Text::DIGITS.up_to(4))?;
    let face = CardFace::of_token(token, expiry, shown).named(name, None);
    Ok(Means {
        source: Source::Token { token, expiry, trid, cryptogram: Some(cryptogram) },
        card: Some(face),
    })
}

fn saved(
    house: &House,
    order: &Order,
    by_id: Option<&str>,
    by_uid: Option<&str>,
    cvv: Option<&str>,
) -> Result<Means, Error> {
    let found = house.db.read(|db| match (by_id, by_uid) {
        (Some(id), _) => Instrument::by_id(db, order.merchant, id),
        (None, Some(uid)) => Instrument::by_uid(db, order.merchant, uid),
        (None, None) => Ok(None),
    })?;
    let instrument = found
        .filter(|found| found.customer == order.customer)
        .ok_or_else(|| Error::not_found("instrument"))?;
    if instrument.deleted.is_some() {
        return Err(Fault::Deleted.into());
    }
    // Optional for a token, but wrong is wrong.
    if cvv.is_some_and(|cvv| cvv.len() != instrument.card.network().verification_digits()) {
        return Err(Fault::Cvv.into());
    }
    Ok(Means { source: Source::Saved(instrument.pk), card: Some(instrument.card) })
}
