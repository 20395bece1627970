//! Outstanding dynamic verification values: at most four a token, for a day,
//! and a lock after five misses.

use std::collections::HashMap;

use crate::store::{Record, Space, StoreError, TokenSlot};
use crate::types::{Atc, Binding, CryptogramHeader, KeyVersion, TimeSlot, UnixTime};

/// Values outstanding a token; one more displaces the oldest.
pub(super) const OUTSTANDING: usize = 4;
/// Seconds for which a value is outstanding.
const LIFETIME: u64 = 86_400;
/// Misses after which a token's values are locked.
const MISSES: u8 = 5;
/// Bytes of an outstanding value when stored: header 8, issued at 8.
const STORED: usize = 16;

/// The values of all tokens that have any, or have missed.
#[derive(Debug, Default)]
pub(super) struct ShortValues(HashMap<TokenSlot, OfToken>);

#[derive(Debug, Default, Clone)]
struct OfToken {
    misses: u8,
    outstanding: Vec<Outstanding>,
}

#[derive(Debug, Clone, Copy)]
struct Outstanding {
    header: CryptogramHeader,
    issued: UnixTime,
}

impl ShortValues {
    /// Whether five misses have locked the token's values.
    pub fn is_locked(&self, slot: TokenSlot) -> bool {
        self.0.get(&slot).is_some_and(|values| values.misses >= MISSES)
    }

    /// The headers of the values that are outstanding at `now`.
    pub fn outstanding(&self, slot: TokenSlot, now: UnixTime) -> impl Iterator<Item = CryptogramHeader> {
        let values = self.0.get(&slot).map(|values| values.outstanding.as_slice()).unwrap_or_default();
        values.iter().filter(move |value| value.is_live(now)).map(|value| value.header)
    }

    /// Remembers a value; the oldest gives way to a fifth.
    pub fn remember(&mut self, slot: TokenSlot, header: CryptogramHeader, now: UnixTime) -> Record {
        let values = self.0.entry(slot).or_default();
        values.outstanding.retain(|value| value.is_live(now));
        if values.outstanding.len() >= OUTSTANDING {
            values.outstanding.remove(0);
        }
        values.outstanding.push(Outstanding { header, issued: now });
        values.record(slot)
    }

    /// Takes a value that matched away. Misses stay counted: else a rightful
    /// payer would give a guesser new tries.
    pub fn consume(&mut self, slot: TokenSlot, atc: Atc) -> Record {
        let values = self.0.entry(slot).or_default();
        values.outstanding.retain(|value| value.header.atc != atc);
        values.record(slot)
    }

    /// Counts a miss.
    pub fn miss(&mut self, slot: TokenSlot) -> Record {
        let values = self.0.entry(slot).or_default();
        values.misses = values.misses.saturating_add(1);
        values.record(slot)
    }

    /// Forgets the misses.
    pub fn clear(&mut self, slot: TokenSlot) -> Option<Record> {
        let values = self.0.get_mut(&slot)?;
        values.misses = 0;
        Some(values.record(slot))
    }

    /// Forgets all values of a token, as another node did.
    pub fn forget(&mut self, slot: TokenSlot) {
        self.0.remove(&slot);
    }

    /// Takes a stored record back.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it cannot be read.
    pub fn restore(&mut self, record: &Record) -> Result<(), StoreError> {
        const DAMAGED: StoreError = StoreError::Corrupt("a record of verification values cannot be read");
        let slot: [u8; 4] = record.key.as_slice().try_into().map_err(|_| DAMAGED)?;
        let (misses, rest) = record.body.as_deref().and_then(<[u8]>::split_first).ok_or(DAMAGED)?;
        let (stored, rest) = rest.as_chunks::<STORED>();
        if !rest.is_empty() || stored.len() > OUTSTANDING {
            return Err(DAMAGED);
        }
        let outstanding = stored.iter().map(read).collect::<Option<Vec<_>>>().ok_or(DAMAGED)?;
        self.0.insert(TokenSlot(u32::from_be_bytes(slot)), OfToken { misses: *misses, outstanding });
        Ok(())
    }
}

impl OfToken {
    fn record(&self, slot: TokenSlot) -> Record {
        let mut body = vec![self.misses];
        for value in &self.outstanding {
            body.extend_from_slice(&value.header.to_bytes());
            body.extend_from_slice(&value.issued.seconds().to_be_bytes());
        }
        let body = (self.misses > 0 || !self.outstanding.is_empty()).then_some(body);
        Record { space: Space::ShortValues, key: slot.0.to_be_bytes().to_vec(), expires: None, body }
    }
}

impl Outstanding {
    /// A clock that stepped back does not end a value early.
    const fn is_live(&self, now: UnixTime) -> bool {
        now.seconds().saturating_sub(self.issued.seconds()) < LIFETIME
    }
}

fn read(stored: &[u8; STORED]) -> Option<Outstanding> {
    let [first, version, a, b, c, d, s, t, issued @ ..] = *stored;
    Some(Outstanding {
        header: CryptogramHeader {
            binding: Binding::from_bits(first & 0x0f).ok()?,
            key_version: KeyVersion::new(version).ok()?,
            atc: Atc::new(u32::from_be_bytes([a, b, c, d]))?,
            slot: TimeSlot::new(u16::from_be_bytes([s, t])),
        },
        issued: UnixTime::from_seconds(u64::from_be_bytes(issued)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(atc: u32) -> CryptogramHeader {
        CryptogramHeader {
            binding: Binding::NONE,
            key_version: KeyVersion::FIRST,
            atc: Atc::new(atc).unwrap(),
            slot: TimeSlot::new(7),
        }
    }

    fn live(values: &ShortValues, now: u64) -> Vec<u32> {
        let now = UnixTime::from_seconds(now);
        values.outstanding(TokenSlot(1), now).map(|header| header.atc.get()).collect()
    }

    #[test]
    fn a_fifth_displaces_the_oldest_and_a_day_ends_them() {
        let mut values = ShortValues::default();
        for atc in 1..=5 {
            values.remember(TokenSlot(1), header(atc), UnixTime::from_seconds(1000));
        }
        assert_eq!(live(&values, 1000), [2, 3, 4, 5]);
        assert_eq!(live(&values, 1000 + LIFETIME - 1).len(), 4);
        assert!(live(&values, 1000 + LIFETIME).is_empty());
    }

    #[test]
    fn five_misses_lock_and_a_hit_between_them_does_not_help() {
        let mut values = ShortValues::default();
        let slot = TokenSlot(1);
        for _ in 0..4 {
            values.miss(slot);
        }
        values.remember(slot, header(1), UnixTime::from_seconds(0));
        values.consume(slot, Atc::new(1).unwrap());
        assert!(!values.is_locked(slot));
        values.miss(slot);
        assert!(values.is_locked(slot));
        values.clear(slot).unwrap();
        assert!(!values.is_locked(slot));
    }

    #[test]
    fn what_is_stored_comes_back() {
        let mut values = ShortValues::default();
        let slot = TokenSlot(1);
        values.miss(slot);
        let record = values.remember(slot, header(9), UnixTime::from_seconds(1000));
        let mut again = ShortValues::default();
        again.restore(&record).unwrap();
        assert_eq!(live(&again, 1000), [9]);
        for cut in 0..16 {
            let body = record.body.as_ref().map(|body| body[..cut].to_vec());
            let cut_off = Record { body, ..record.clone() };
            assert_eq!(again.restore(&cut_off).is_ok(), cut == 1);
        }
    }
    #[test]
    fn misses_outlast_the_values_and_nothing_is_kept_of_neither() {
        let mut values = ShortValues::default();
        let slot = TokenSlot(1);
        for misses in 1..=MISSES {
            let record = values.miss(slot);
            let mut again = ShortValues::default();
            again.restore(&record).unwrap();
            assert_eq!(again.is_locked(slot), misses == MISSES);
        }
        assert_eq!(values.clear(slot).unwrap().body, None);
        values.remember(slot, header(1), UnixTime::from_seconds(0));
        assert_eq!(values.consume(slot, Atc::new(1).unwrap()).body, None);
    }

    #[test]
    fn as_many_are_read_as_can_be_outstanding() {
        let mut values = ShortValues::default();
        let slot = TokenSlot(1);
        let records = [1, 2, 3, 4].map(|atc| values.remember(slot, header(atc), UnixTime::from_seconds(0)));
        let [.., mut four] = records;
        assert_eq!(ShortValues::default().restore(&four), Ok(()));
        let body = four.body.as_mut().unwrap();
        body.extend_from_within(1..=STORED);
        assert!(ShortValues::default().restore(&four).is_err());
    }
}
