//! A session is paid: once, in its window.

use serde_json::json;

use super::{Error, Paying, Standing};
use crate::types::UnixTime;
use crate::vault::card::CardFace;
use crate::vault::db::{Asked, Instrument, Order, Payment, Session, Source, Stored, Wallet};
use crate::vault::engine::EngineError;
use crate::vault::house::{Begin, Fault, House};
use crate::vault::ids;
use crate::wire::Status;

/// A payment in a session.
#[derive(Debug)]
pub struct Pay<'a> {
    /// The session.
    pub session: &'a Session,
    /// What is paid with.
    pub paying: &'a Paying<'a>,
    /// Whether the customer consented to saving it.
    pub save: bool,
    /// The idempotency key.
    pub asked: Option<&'a Asked<'a>>,
}

/// What is paid with, as the house has it.
struct Means {
    source: Source,
    card: Option<CardFace>,
}

/// Begins the payment; what `answer` makes of it is answered, and again for the same
/// idempotency key.
///
/// # Errors
/// A session that is not open, a method that cannot be used, or as [`House::begin`].
pub fn pay(
    house: &House,
    pay: &Pay<'_>,
    now: UnixTime,
    answer: impl FnOnce(&rusqlite::Connection, &Session) -> Result<Stored, Fault>,
) -> Result<Stored, Error> {
    let session = pay.session;
    is_open(house, session, now)?;
    let allowed = session.detail("type").as_str();
    if allowed.is_some_and(|allowed| allowed != pay.paying.kind().name()) {
        return Err(Error::new(400, "method_not_allowed", "the session is for another kind of method"));
    }
    let order =
        house.db.read(|db| Order::by_pk(db, session.order))?.ok_or_else(|| Error::not_found("order"))?;
    let means = means(house, session, &order, pay.paying, now)?;
    let wallet = matches!(pay.paying, Paying::Wallet { id: None }) && pay.save && order.customer.is_some();
    let details = if wallet { json!({ "saveWalletAs": ids::uuid()? }) } else { json!({}) };
    let begin = Begin {
        order: &order,
        id: format!("ps{}", ids::hex::<12>()?),
        customer: None,
        save: pay.save && order.customer.is_some() && matches!(means.source, Source::Card(_)),
        source: means.source,
        card: means.card,
        details,
    };
    let begun = house.begin_with(&begin, pay.asked, now, |tx, payment| {
        if !Session::begun(tx, &session.id, &payment.id, now)? {
            return Err(Fault::NotFound("open session"));
        }
        let session = Session::by_id(tx, &session.id)?.ok_or(Fault::NotFound("session"))?;
        answer(tx, &session)
    });
    match begun {
        Ok(stored) => {
            house.drop_key(session)?;
            Ok(stored)
        }
        Err(Fault::NotFound("open session")) => {
            // Another request was faster, or the window closed meanwhile.
            let found = house.db.read(|db| Session::by_id(db, &session.id))?;
            is_open(house, &found.ok_or_else(|| Error::not_found("session"))?, now)?;
            Err(Error::confirmed())
        }
        Err(fault) => Err(fault.into()),
    }
}

/// Whether something may be begun in a session.
fn is_open(house: &House, session: &Session, now: UnixTime) -> Result<(), Error> {
    let payment = match &session.payment {
        Some(id) => house.db.read(|db| Payment::by_id(db, id))?,
        None => None,
    };
    match Standing::of(session, payment.as_ref(), now) {
        Standing::Open => Ok(()),
        Standing::Expired => Err(Error::expired()),
        Standing::Failed if session.cancelled => Err(Error::cancelled()),
        _ => Err(Error::confirmed()),
    }
}

fn means(
    house: &House,
    session: &Session,
    order: &Order,
    paying: &Paying<'_>,
    now: UnixTime,
) -> Result<Means, Error> {
    match paying {
        Paying::Encrypted(ciphertext) => entered(house, session, ciphertext, now),
        Paying::Saved { id, cvc } => saved(house, order, id, *cvc),
        Paying::Wallet { id: None } => Ok(Means { source: Source::Wallet, card: None }),
        Paying::Wallet { id: Some(id) } => {
            let customer = order.customer.as_deref().unwrap_or_default();
            house
                .db
                .read(|db| Wallet::by_id(db, order.merchant, customer, id))?
                .ok_or_else(|| Error::not_found("payment method"))?;
            Ok(Means { source: Source::Wallet, card: None })
        }
    }
}

/// A card that the engine decrypts.
fn entered(house: &House, session: &Session, ciphertext: &[u8], now: UnixTime) -> Result<Means, Error> {
    let entry = session.entry.ok_or_else(|| {
        Error::new(
            409,
            "no_key",
            "the session has no key: it takes no encrypted card, or fetch it for a new one",
        )
    })?;
    let entered = match house.enter(entry, ciphertext, now) {
        Ok(entered) => entered,
        // A card that is refused leaves the key; whatever else happened, it is used up.
        Err(fault @ Fault::Engine(EngineError::Refused(Status::EntryRefused) | EngineError::Away)) => {
            return Err(fault.into());
        }
        Err(fault) => {
            house.drop_key(session)?;
            return Err(fault.into());
        }
    };
    let handle = entered.card.handle;
    if let Err(fault) = house.drop_key(session) {
        house.release(handle);
        return Err(fault.into());
    }
    if !entered.cvc_given {
        house.release(handle);
        return Err(Error::cvc("paymentMethod.card.encryptedCard"));
    }
    Ok(Means { source: Source::Card(handle), card: Some(CardFace::of(&entered.card)) })
}

/// A card that the customer saved. Its verification value is looked at and forgotten.
fn saved(house: &House, order: &Order, id: &str, cvc: Option<&str>) -> Result<Means, Error> {
    let found = house.db.read(|db| Instrument::by_id(db, order.merchant, id))?;
    let instrument = found
        .filter(|found| found.customer.is_some() && found.customer == order.customer)
        .ok_or_else(|| Error::not_found("payment method"))?;
    if instrument.deleted.is_some() {
        return Err(Fault::Deleted.into());
    }
    let digits = instrument.card.network().verification_digits();
    if cvc.is_none_or(|cvc| cvc.len() != digits || !cvc.bytes().all(|c| c.is_ascii_digit())) {
        return Err(Fault::Cvv.into());
    }
    Ok(Means { source: Source::Saved(instrument.pk), card: Some(instrument.card) })
}
