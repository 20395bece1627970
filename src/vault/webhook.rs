//! Webhooks: merchants are told what happened, until they take it.
//!
//! An event is written in the transaction of what it tells of, and marked only after the
//! merchant's answer. So it is sent at least once, also when the vault is killed; who gets
//! one twice knows it by its id. One event of a merchant is under way at a time, the oldest
//! first. A merchant that hangs takes up one thread of a few, for a few seconds at a time.

mod delay;
mod sender;
mod signature;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

pub use sender::Sender;
pub use signature::signature;

use super::db::{DbError, Event, Merchant};
use super::house::House;
use crate::types::UnixTime;

/// How often is looked for what is due.
const LOOK: Duration = Duration::from_millis(250);
/// Merchants that are sent to at a time.
const AT_A_TIME: usize = 16;
/// How long a merchant that takes everything keeps its thread.
const SLICE: Duration = Duration::from_secs(1);

type Busy = Arc<Mutex<HashSet<i64>>>;

/// Sends what is due, for ever.
pub async fn run(house: Arc<House>) {
    let sender = Arc::new(Sender::new());
    let (busy, room) = (Busy::default(), Arc::new(Semaphore::new(AT_A_TIME)));
    loop {
        let looking = Arc::clone(&house);
        let waiting = tokio::task::spawn_blocking(move || waiting(&looking)).await.unwrap_or_default();
        for merchant in waiting {
            let Ok(turn) = Arc::clone(&room).acquire_owned().await else { return };
            if !busy.lock().unwrap_or_else(PoisonError::into_inner).insert(merchant) {
                continue;
            }
            let (house, sender, busy) = (Arc::clone(&house), Arc::clone(&sender), Arc::clone(&busy));
            tokio::spawn(async move {
                // An error is the database's, of which requests tell; it is tried again.
                let _ = tokio::task::spawn_blocking(move || send_to(&house, &sender, merchant)).await;
                busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&merchant);
                drop(turn);
            });
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Merchants to whom something is due.
fn waiting(house: &House) -> Vec<i64> {
    house.db.read(|db| Event::waiting(db, house.now())).unwrap_or_default()
}

/// Sends a merchant what is due, until something is not taken.
fn send_to(house: &House, sender: &Sender, merchant: i64) -> Result<(), DbError> {
    let began = Instant::now();
    let Some(merchant) = house.db.read(|db| Merchant::by_pk(db, merchant))? else { return Ok(()) };
    while began.elapsed() < SLICE {
        let next = house.db.read(|db| Event::next_of(db, merchant.pk, house.now()))?;
        let Some(event) = next else { return Ok(()) };
        let taken = sender.send(&merchant, &event, house.now());
        house.db.write(|tx| match taken {
            true => event.delivered(tx),
            false => event.failed(tx, again(&merchant, &event, house.now())),
        })?;
        if !taken {
            return Ok(());
        }
    }
    Ok(())
}

/// When an event that was not taken is tried again, if it is.
fn again(merchant: &Merchant, event: &Event, now: UnixTime) -> Option<UnixTime> {
    merchant.webhook.as_ref()?;
    delay::next(event.tries, event.created, now)
}
