//! A payment is begun: the second factor is awaited.

use rusqlite::Transaction;
use serde_json::Value;

use super::{Fault, House};
use crate::types::{Amount, Currency, UnixTime};
use crate::vault::card::CardFace;
use crate::vault::db::{
    Api, Asked, Before, DbError, Instrument, NewPayment, Order, Payment, Source, Standing, Stored,
};
use crate::vault::engine::EngineError;

/// How long the second factor is awaited, in seconds.
const WINDOW: u64 = 900;
/// Payments that an order takes: who may pay it cannot fill the engine with held cards.
const ATTEMPTS: u64 = 20;
/// Cards of one merchant that may be held at a time: an eighth of what the engine holds.
const HELD_AT_A_TIME: u64 = 512;

/// A payment to be begun.
#[derive(Debug)]
pub struct Begin<'a> {
    /// The order.
    pub order: &'a Order,
    /// Its id.
    pub id: String,
    /// The customer, if it is another than the order says or the order says none.
    pub customer: Option<&'a str>,
    /// What is paid with.
    pub source: Source,
    /// What may be shown of the card.
    pub card: Option<CardFace>,
    /// Whether the cardholder consented to saving it.
    pub save: bool,
    /// What the API keeps of it for showing.
    pub details: Value,
}

impl Begin<'_> {
    const fn api(&self) -> Api {
        self.order.api
    }

    const fn amount(&self) -> (Amount, Currency) {
        (self.order.amount, self.order.currency)
    }
}

impl House {
    /// Begins a payment, and with an idempotency key only once: what `answer` makes of it
    /// is kept and given again. A card that is held for a payment that is not begun is
    /// let go.
    ///
    /// # Errors
    /// [`Fault::OrderPaid`], [`Fault::OrderOver`], [`Fault::Attempts`], [`Fault::KeyReused`],
    /// [`Fault::Db`].
    pub fn begin(
        &self,
        begin: &Begin<'_>,
        asked: Option<&Asked<'_>>,
        now: UnixTime,
        answer: impl FnOnce(&Payment) -> Stored,
    ) -> Result<Stored, Fault> {
        self.begin_with(begin, asked, now, |_, payment| Ok(answer(payment)))
    }

    /// The same, and `with` may write what must be there together with the payment, or
    /// refuse it.
    ///
    /// # Errors
    /// As [`begin`](Self::begin), or what `with` says.
    pub fn begin_with(
        &self,
        begin: &Begin<'_>,
        asked: Option<&Asked<'_>>,
        now: UnixTime,
        with: impl FnOnce(&Transaction<'_>, &Payment) -> Result<Stored, Fault>,
    ) -> Result<Stored, Fault> {
        let mut begun = false;
        let result = self.db.write(|tx| {
            match asked.map(|asked| asked.before(tx, now)).transpose()? {
                Some(Before::Same(stored)) => return Ok(stored),
                Some(Before::Other) => return Err(Fault::KeyReused),
                Some(Before::Nothing) | None => {}
            }
            if Payment::is_order_taken(tx, begin.order.pk)? {
                return Err(Fault::OrderPaid);
            }
            if begin.order.is_over(now) {
                return Err(Fault::OrderOver);
            }
            let order = Order::by_pk(tx, begin.order.pk)?;
            if order.is_none_or(|order| order.attempts >= ATTEMPTS) {
                return Err(Fault::Attempts);
            }
            let is_card = matches!(begin.source, Source::Card(_));
            if is_card && Payment::cards_waiting(tx, begin.order.merchant)? >= HELD_AT_A_TIME {
                return Err(EngineError::Away.into());
            }
            let (amount, currency) = begin.amount();
            let new = NewPayment {
                id: &begin.id,
                merchant: begin.order.merchant,
                api: begin.api(),
                order: begin.order.pk,
                customer: begin.customer.or(begin.order.customer.as_deref()),
                amount,
                currency,
                source: &begin.source,
                card: begin.card.as_ref(),
                save: begin.save || is_kept(tx, &begin.source)?,
                details: &begin.details,
                expires: UnixTime::from_seconds(now.seconds().saturating_add(WINDOW)),
            };
            let pk = new.add(tx, now)?;
            let payment = Payment::by_pk(tx, pk)?.ok_or(Fault::NotFound("payment"))?;
            let stored = with(tx, &payment)?;
            if let Some(asked) = asked {
                asked.answer(tx, &stored, now)?;
            }
            begun = true;
            Ok(stored)
        });
        if let (Source::Card(handle), false) = (&begin.source, begun) {
            self.release(*handle);
        }
        result
    }

    /// Does something that to do again does no harm, and with an idempotency key gives
    /// the answer that was given.
    ///
    /// # Errors
    /// [`Fault::KeyReused`], or what `work` says; then nothing is kept.
    pub fn once(
        &self,
        asked: Option<&Asked<'_>>,
        now: UnixTime,
        work: impl FnOnce() -> Result<Stored, Fault>,
    ) -> Result<Stored, Fault> {
        let Some(asked) = asked else { return work() };
        match self.db.read(|db| asked.before(db, now))? {
            Before::Same(stored) => return Ok(stored),
            Before::Other => return Err(Fault::KeyReused),
            Before::Nothing => {}
        }
        let stored = work()?;
        self.db.write(|tx| asked.answer(tx, &stored, now))?;
        Ok(stored)
    }
}

/// Whether a card is paid with that is only kept. Who had it kept consented to its token,
/// which a payment is still wanting.
fn is_kept(tx: &Transaction<'_>, source: &Source) -> Result<bool, DbError> {
    let Source::Saved(pk) = source else { return Ok(false) };
    Ok(Instrument::by_pk(tx, *pk)?.is_some_and(|instrument| instrument.standing == Standing::Kept))
}
