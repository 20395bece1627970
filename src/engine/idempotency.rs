//! What was answered to which idempotency key.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::record::{decode_reply, encode_reply};
use crate::command::{Refusal, Reply};
use crate::crypto::{Mac, MacState};
use crate::keys::Keyring;
use crate::store::{Record, Space, StoreError};
use crate::types::{IdempotencyKey, KeyVersion, UnixTime};

/// Keys forgotten at once: few enough that nobody waits for it.
const AT_ONCE: usize = 4096;

const DIGEST_LABEL: &[u8] = b"tallystick/v1/request";

/// Replies by scope and key. Bounded; each is kept for the configured time.
#[derive(Default)]
pub(super) struct Memory {
    replies: HashMap<Vec<u8>, Remembered>,
    /// The same keys, the first to end foremost. A clock that is set back makes keys
    /// that end before older ones, so the order of their coming would not do.
    order: BinaryHeap<Reverse<(UnixTime, Vec<u8>)>>,
}

struct Remembered {
    digest: RequestDigest,
    expires: UnixTime,
    reply: Vec<u8>,
}

/// A keyed digest of a request's bytes. Keyed, since they may hold a PAN, whose
/// plain hash could be guessed.
#[derive(Clone, Copy)]
pub(super) struct RequestDigest {
    version: KeyVersion,
    mac: [u8; 32],
}

/// The scope of a key: caller, operation and the key itself.
pub(super) fn scope(caller: &str, operation: &str, key: IdempotencyKey<'_>) -> Vec<u8> {
    // Neither names nor operations hold a zero byte, so no two scopes run together.
    [caller.as_bytes(), &[0], operation.as_bytes(), &[0], key.as_bytes()].concat()
}

impl RequestDigest {
    /// The digest under the active audit key.
    pub fn of(keyring: &Keyring, body: &[u8]) -> Self {
        let (version, key) = keyring.audit.active();
        Self { version, mac: *digest(key.mac_state(), body).as_bytes() }
    }

    /// Whether `body` has this digest, under the key that made it.
    fn is_of(&self, keyring: &Keyring, body: &[u8]) -> bool {
        let Some(key) = keyring.audit.get(self.version) else { return false };
        let other = digest(key.mac_state(), body);
        subtle::ConstantTimeEq::ct_eq(&self.mac[..], &other.as_bytes()[..]).into()
    }
}

fn digest(state: &MacState, body: &[u8]) -> Mac {
    state.mac(&[DIGEST_LABEL, body])
}

impl Memory {
    /// The reply remembered for a scope, if any.
    ///
    /// # Errors
    /// [`Refusal::IdempotencyConflict`] if the request was another.
    pub fn recall(
        &self,
        keyring: &Keyring,
        scope: &[u8],
        body: &[u8],
        now: UnixTime,
    ) -> Result<Option<Reply>, Refusal> {
        let Some(known) = self.replies.get(scope).filter(|known| known.expires > now) else {
            return Ok(None);
        };
        if !known.digest.is_of(keyring, body) {
            return Err(Refusal::IdempotencyConflict);
        }
        // It was encoded by us or checked when it was loaded.
        decode_reply(&known.reply).map(Some).map_err(|_| Refusal::Stopped)
    }

    /// The number of keys remembered.
    pub fn len(&self) -> usize {
        self.replies.len()
    }

    /// Remembers a reply and gives the record that makes it durable.
    pub fn remember(
        &mut self,
        scope: Vec<u8>,
        digest: RequestDigest,
        expires: UnixTime,
        reply: &Reply,
    ) -> Option<Record> {
        let reply = encode_reply(reply)?;
        let mut body = Vec::with_capacity(33 + reply.len());
        body.push(digest.version.get());
        body.extend_from_slice(&digest.mac);
        body.extend_from_slice(&reply);
        self.insert(scope.clone(), Remembered { digest, expires, reply });
        Some(Record { space: Space::Idempotency, key: scope, expires: Some(expires), body: Some(body) })
    }

    /// Takes a stored record back.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it cannot be read.
    pub fn restore(&mut self, record: Record) -> Result<(), StoreError> {
        const DAMAGED: StoreError = StoreError::Corrupt("a remembered reply cannot be read");
        let body = record.body.ok_or(DAMAGED)?;
        let (version, rest) = body.split_first().ok_or(DAMAGED)?;
        let (mac, reply) = rest.split_first_chunk::<32>().ok_or(DAMAGED)?;
        decode_reply(reply)?;
        let digest = RequestDigest { version: KeyVersion::new(*version).map_err(|_| DAMAGED)?, mac: *mac };
        let expires = record.expires.ok_or(DAMAGED)?;
        self.insert(record.key, Remembered { digest, expires, reply: reply.to_vec() });
        Ok(())
    }

    /// Forgets what has ended by `now`.
    pub fn expire(&mut self, now: UnixTime) -> bool {
        for _ in 0..AT_ONCE {
            if self.order.peek().is_none_or(|Reverse((expires, _))| *expires > now) {
                return false;
            }
            let Some(Reverse((expires, key))) = self.order.pop() else { return false };
            // A key that was used again after its end stands further back too.
            if self.replies.get(&key).is_some_and(|known| known.expires == expires) {
                self.replies.remove(&key);
            }
        }
        true
    }

    fn insert(&mut self, scope: Vec<u8>, remembered: Remembered) {
        self.order.push(Reverse((remembered.expires, scope.clone())));
        self.replies.insert(scope, remembered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Verified;
    use crate::types::Atc;

    #[test]
    fn a_clock_set_back_keeps_no_ended_key() {
        let mut memory = Memory::default();
        let digest = RequestDigest { version: KeyVersion::FIRST, mac: [0; 32] };
        let reply = Reply::Verified(Verified { atc: Atc::new(1).unwrap() });
        for (scope, ends) in [(1, 1000), (2, 10), (3, 11), (4, 12)] {
            memory.remember(vec![scope], digest, UnixTime::from_seconds(ends), &reply).unwrap();
        }
        assert!(!memory.expire(UnixTime::from_seconds(11)));
        assert_eq!(memory.len(), 2);
        assert!(!memory.expire(UnixTime::from_seconds(1000)));
        assert_eq!(memory.len(), 0);
    }
}
