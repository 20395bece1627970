//! Rows and records under a MAC: what the store gives back is what it was given.
//!
//! Behind the content stand the version of the audit key (1) and
//! `HMAC-SHA-256(AK, "tallystick/v1/row" || slot (4) || TRID (8) || revision (2)
//! || content)` for a row, `HMAC-SHA-256(AK, "tallystick/v1/record" || space (1)
//! || expiry (8; 2^64 - 1 if none) || length of key (4) || key || content)` for a
//! record.

use subtle::ConstantTimeEq;

use crate::crypto::{Audit, Mac, MacState};
use crate::keys::Versions;
use crate::store::{Record, StoreError, TokenRow};
use crate::types::{KeyVersion, UnixTime};

const ROW_LABEL: &[u8] = b"tallystick/v1/row";
const RECORD_LABEL: &[u8] = b"tallystick/v1/record";
const TRAILER: usize = 33;
const FORGED: StoreError = StoreError::Corrupt("a row or record was changed, or belongs to another keyring");

/// Something stored under a MAC.
pub(super) trait Authentic: Sized {
    /// The MAC over everything but the trailer of the body, which is `content`.
    fn mac(&self, audit: &MacState, content: &[u8]) -> Mac;

    /// The body, if there is one.
    fn body(&mut self) -> Option<&mut Vec<u8>>;

    /// Puts version and MAC behind the body.
    fn sealed(mut self, version: KeyVersion, audit: &MacState) -> Self {
        let content = self.body().map(std::mem::take);
        if let Some(mut content) = content {
            let mac = self.mac(audit, &content);
            content.reserve_exact(TRAILER);
            content.push(version.get());
            content.extend_from_slice(mac.as_bytes());
            self.body().into_iter().for_each(|body| *body = std::mem::take(&mut content));
        }
        self
    }

    /// Checks version and MAC, and takes them off.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it was changed, or the key is destroyed;
    /// [`StoreError::StaleKeyring`] if the key is newer than any here.
    fn opened(mut self, keys: &Versions<Audit>) -> Result<Self, StoreError> {
        let mut content = self.body().map(std::mem::take).ok_or(FORGED)?;
        let at = content.len().checked_sub(TRAILER).ok_or(FORGED)?;
        let trailer = content.split_off(at);
        let (version, mac) = trailer.split_first().ok_or(FORGED)?;
        let version = KeyVersion::new(*version).map_err(|_| FORGED)?;
        let missing = if version > keys.active().0 { StoreError::StaleKeyring } else { FORGED };
        let key = keys.get(version).ok_or(missing)?;
        let expected = self.mac(key.mac_state(), &content);
        if !bool::from(expected.as_bytes().as_slice().ct_eq(mac)) {
            return Err(FORGED);
        }
        self.body().into_iter().for_each(|body| *body = std::mem::take(&mut content));
        Ok(self)
    }
}

impl Authentic for TokenRow {
    fn mac(&self, audit: &MacState, content: &[u8]) -> Mac {
        let Self { slot, trid, revision, .. } = self;
        let (slot, trid) = (slot.0.to_be_bytes(), trid.value().to_be_bytes());
        audit.mac(&[ROW_LABEL, &slot, &trid, &revision.to_be_bytes(), content])
    }

    fn body(&mut self) -> Option<&mut Vec<u8>> {
        Some(&mut self.body)
    }
}

impl Authentic for Record {
    fn mac(&self, audit: &MacState, content: &[u8]) -> Mac {
        let expires = self.expires.map_or(u64::MAX, UnixTime::seconds).to_be_bytes();
        let length = u32::try_from(self.key.len()).unwrap_or(u32::MAX).to_be_bytes();
        audit.mac(&[RECORD_LABEL, &[self.space.number()], &expires, &length, &self.key, content])
    }

    fn body(&mut self) -> Option<&mut Vec<u8>> {
        self.body.as_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::LoadedKey;
    use crate::secmem::Region;
    use crate::store::{Space, TokenSlot};
    use crate::types::Trid;

    fn keys() -> Versions<Audit> {
        let key = LoadedKey::from_bytes(&Region::new(3).unwrap(), &[7; 32]).unwrap();
        Versions::new((KeyVersion::FIRST, key), Vec::new())
    }

    #[test]
    fn any_change_is_found() {
        let version = KeyVersion::FIRST;
        let keys = keys();
        let record = Record {
            space: Space::ParLink,
            key: vec![1, 2],
            expires: Some(UnixTime::from_seconds(9)),
            body: Some(vec![3; 20]),
        };
        let sealed = record.clone().sealed(version, keys.active().1.mac_state());
        assert_eq!(sealed.clone().opened(&keys), Ok(record.clone()));
        let changes: [fn(&mut Record); 6] = [
            |record| record.space = Space::Idempotency,
            |record| record.key = vec![1],
            |record| record.expires = None,
            |record| record.body = None,
            |record| record.body.as_mut().unwrap()[0] ^= 1,
            |record| record.body.as_mut().unwrap().truncate(32),
        ];
        for change in changes {
            let mut changed = sealed.clone();
            change(&mut changed);
            assert_eq!(changed.opened(&keys), Err(FORGED));
        }
        let row = TokenRow {
            slot: TokenSlot(1),
            trid: Trid::from_value(2).unwrap(),
            revision: 3,
            body: vec![4; 9],
        };
        let sealed = row.clone().sealed(version, keys.active().1.mac_state());
        assert_eq!(sealed.clone().opened(&keys), Ok(row));
        let changes: [fn(&mut TokenRow); 5] = [
            |row| row.slot = TokenSlot(2),
            |row| row.trid = Trid::from_value(3).unwrap(),
            |row| row.revision = 2,
            |row| *row.body.last_mut().unwrap() ^= 1,
            |row| row.body[9] ^= 1,
        ];
        for change in changes {
            let mut changed = sealed.clone();
            change(&mut changed);
            assert_eq!(changed.opened(&keys), Err(FORGED));
        }
    }

    #[test]
    fn a_key_that_is_yet_to_come_is_told_from_one_that_is_gone() {
        let key = |byte| LoadedKey::from_bytes(&Region::new(3).unwrap(), &[byte; 32]).unwrap();
        let version = |number| KeyVersion::new(number).unwrap();
        let trid = Trid::from_value(2).unwrap();
        let row = TokenRow { slot: TokenSlot(1), trid, revision: 3, body: vec![4] };
        let sealed = [1, 2, 3, 4].map(|number| row.clone().sealed(version(number), key(7).mac_state()));
        // The third is active, the second destroyed, and the first is another key.
        let keys = Versions::new((version(3), key(7)), vec![(version(1), key(8))]);
        let opened = sealed.map(|row| row.opened(&keys));
        assert_eq!(opened, [Err(FORGED), Err(FORGED), Ok(row), Err(StoreError::StaleKeyring)]);
    }

    #[test]
    fn a_removal_has_nothing_to_seal() {
        let keys = keys();
        let removal = Record { space: Space::ShortValues, key: vec![1], expires: None, body: None };
        assert_eq!(removal.clone().sealed(KeyVersion::FIRST, keys.active().1.mac_state()), removal);
    }
}
