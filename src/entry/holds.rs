//! Held cards, by their handles.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::command::Refusal;
use crate::secmem::{Region, RegionError, SLOT_BYTES, Secret32};
use crate::types::{CardHandle, Expiry, Pan};

/// Where the number of digits is in a slot; the digits are before it.
const COUNT: usize = SLOT_BYTES - 1;

/// The cards that are held.
#[derive(Debug)]
pub(super) struct Holds {
    /// None if there is no locked memory for them.
    region: Option<Region>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    cards: HashMap<CardHandle, Held>,
    closed: bool,
}

#[derive(Debug)]
struct Held {
    owner: Box<str>,
    /// The PAN's digits and their number.
    pan: Secret32,
    expiry: Expiry,
    ends: Instant,
}

impl Holds {
    pub fn new(region: Option<Region>) -> Self {
        Self { region, kept: Mutex::default() }
    }

    pub fn hold(
        &self,
        owner: &str,
        handle: CardHandle,
        (pan, expiry): (&Pan, Expiry),
        ends: Instant,
    ) -> Result<(), Refusal> {
        let region = self.region.as_ref().ok_or(Refusal::HoldLimit)?;
        let pan = Secret32::fill_with(region, |slot| put(slot, pan)).map_err(|_| Refusal::HoldLimit)?;
        let mut kept = self.kept();
        if kept.closed {
            return Err(Refusal::Stopped);
        }
        kept.cards.insert(handle, Held { owner: owner.into(), pan, expiry, ends });
        Ok(())
    }

    pub fn card(&self, owner: &str, handle: CardHandle, now: Instant) -> Option<(Pan, Expiry)> {
        let kept = self.kept();
        let held = kept.cards.get(&handle).filter(|held| held.is_of(owner, now))?;
        Some((taken(held.pan.expose())?, held.expiry))
    }

    pub fn release(&self, owner: &str, handle: CardHandle, now: Instant) -> Result<(), Refusal> {
        let mut kept = self.kept();
        if !kept.cards.get(&handle).is_some_and(|held| held.is_of(owner, now)) {
            return Err(Refusal::UnknownHold);
        }
        kept.cards.remove(&handle);
        Ok(())
    }

    pub fn is_full(&self) -> bool {
        self.region.as_ref().is_none_or(|region| region.free_slots() == 0)
    }

    pub fn sweep(&self, now: Instant) {
        self.kept().cards.retain(|_, held| now < held.ends);
    }

    pub fn close(&self) {
        let mut kept = self.kept();
        kept.cards.clear();
        kept.closed = true;
    }

    pub fn len(&self) -> usize {
        self.kept().cards.len()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Each change of the map is whole by itself.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn is_of(&self, owner: &str, now: Instant) -> bool {
        *self.owner == *owner && now < self.ends
    }
}

/// Writes a PAN's digits and their number into a slot.
fn put(slot: &mut [u8; SLOT_BYTES], pan: &Pan) -> Result<(), RegionError> {
    let digits = pan.expose_digits();
    for (to, digit) in slot.iter_mut().zip(digits) {
        *to = *digit;
    }
    if let Some(count) = slot.get_mut(COUNT) {
        *count = u8::try_from(digits.len()).unwrap_or(0);
    }
    Ok(())
}

/// The PAN of a slot.
fn taken(slot: &[u8; SLOT_BYTES]) -> Option<Pan> {
    let (count, digits) = slot.split_last()?;
    Pan::parse(digits.get(..usize::from(*count))?).ok()
}
