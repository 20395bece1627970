//! What many tokens have in common: the requestor and the domain.

use std::collections::HashMap;

use minicbor::{Decode, Encode};

use super::record::{decode, encode};
use crate::store::{Record, Space, StoreError};
use crate::types::{Binding, Channels, Domain, Merchant, Trid};

/// The requestor and domain of a token. Neither ever changes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Profile {
    pub trid: Trid,
    pub domain: Domain,
}

/// The profiles in use, numbered from 0; each is stored once.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    list: Vec<Profile>,
    numbers: HashMap<Profile, u32>,
}

#[derive(Encode, Decode)]
#[cbor(array)]
struct ProfileBody<'a> {
    #[n(0)]
    trid: u64,
    #[b(1)]
    merchant: Option<&'a minicbor::bytes::ByteSlice>,
    #[n(2)]
    channels: u8,
    #[n(3)]
    demands: u8,
}

impl Profiles {
    /// The profile of a number.
    pub fn get(&self, number: u32) -> Option<&Profile> {
        self.list.get(usize::try_from(number).ok()?)
    }

    /// The number of a profile, and the record to be stored if it is new.
    pub fn intern(&mut self, trid: Trid, domain: &Domain) -> (u32, Option<Record>) {
        let profile = Profile { trid, domain: domain.clone() };
        if let Some(number) = self.numbers.get(&profile) {
            return (*number, None);
        }
        let number = self.next();
        let record = profile.record(number);
        self.add(profile, number);
        (number, Some(record))
    }

    /// Takes back what was stored, in the order of the numbers.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`].
    pub fn restore(&mut self, record: &Record) -> Result<(), StoreError> {
        const DAMAGED: StoreError = StoreError::Corrupt("a stored profile cannot be read");
        let number = self.next();
        if record.key != number.to_be_bytes() {
            return Err(StoreError::Corrupt("stored profiles do not follow each other"));
        }
        let body: ProfileBody<'_> = decode(record.body.as_deref().ok_or(DAMAGED)?)?;
        self.add(body.into_profile().ok_or(DAMAGED)?, number);
        Ok(())
    }

    fn next(&self) -> u32 {
        // There are no more profiles than tokens, which a u32 counts.
        u32::try_from(self.list.len()).unwrap_or(u32::MAX)
    }

    fn add(&mut self, profile: Profile, number: u32) {
        self.numbers.insert(profile.clone(), number);
        self.list.push(profile);
    }
}

impl Profile {
    fn record(&self, number: u32) -> Record {
        let body = encode(&ProfileBody {
            trid: self.trid.value(),
            merchant: self.domain.merchant.as_deref().map(Into::into),
            channels: self.domain.channels.bits(),
            demands: self.domain.demands.bits(),
        });
        Record { space: Space::Profile, key: number.to_be_bytes().to_vec(), expires: None, body: Some(body) }
    }
}

impl ProfileBody<'_> {
    fn into_profile(self) -> Option<Profile> {
        let merchant = self.merchant.map(|merchant| Merchant::parse(merchant)).transpose().ok()?;
        Some(Profile {
            trid: Trid::from_value(self.trid).ok()?,
            domain: Domain {
                merchant: merchant.map(|merchant| merchant.as_bytes().into()),
                channels: Channels::from_bits(self.channels).ok()?,
                demands: Binding::from_bits(self.demands).ok()?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_ones_share_a_number_and_come_back() {
        let (one, two) = (Trid::from_value(1).unwrap(), Trid::from_value(2).unwrap());
        let bound = Domain { merchant: Some(b"m_1".as_slice().into()), ..Domain::default() };
        let mut profiles = Profiles::default();
        let wanted = [(one, Domain::default()), (one, bound.clone()), (two, bound)];
        let mut records = Vec::new();
        for (number, (trid, domain)) in (0..).zip(&wanted) {
            let (interned, record) = profiles.intern(*trid, domain);
            assert_eq!(interned, number);
            records.push(record.unwrap());
            assert_eq!(profiles.intern(*trid, domain), (number, None));
        }
        let mut back = Profiles::default();
        assert!(back.restore(&records[1]).is_err(), "out of order");
        for record in &records {
            back.restore(record).unwrap();
        }
        for (number, (trid, domain)) in (0..).zip(wanted) {
            assert_eq!(back.get(number), Some(&Profile { trid, domain }));
        }
    }
}
