//! Verify a dynamic verification value and consume it, once.

use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::verify::{Presented, check_binding};
use crate::command::{Refusal, Reply, VerifyShort};
use crate::cryptogram::native::{Covered, Deriver, TokenKey};
use crate::engine::short_values::OUTSTANDING;
use crate::engine::{Context, Engine, Unsealed};
use crate::store::TokenSlot;
use crate::types::{Atc, Binding, CryptogramHeader, Domain, KeyVersion, TimeSlot};

/// The header of a value that was never issued.
fn void(key_version: KeyVersion) -> CryptogramHeader {
    CryptogramHeader { binding: Binding::NONE, key_version, atc: Atc::FIRST, slot: TimeSlot::new(0) }
}

impl Engine<Unsealed> {
    pub(super) fn verify_short(
        &mut self,
        context: Context<'_>,
        request: &VerifyShort<'_>,
    ) -> Result<Reply, Refusal> {
        let presented = Presented {
            token: request.token,
            expiry: request.expiry,
            trid: request.trid,
            transaction: &request.transaction,
        };
        let found = self.check_presented(context, &presented);
        let matching = self.matching(context, request, found.ok());
        let (slot, _) = found?;
        if self.state.short_values.is_locked(slot) {
            return Err(Refusal::ShortLocked);
        }
        let Some(atc) = matching else {
            let record = self.state.short_values.miss(slot);
            self.state.open.note(record);
            return Err(Refusal::ShortMismatch);
        };
        let reply = self.consume(context, slot, atc)?;
        let record = self.state.short_values.consume(slot, atc);
        self.state.open.records.push(record);
        Ok(reply)
    }

    /// The counter of the outstanding value that matches. Every one is computed
    /// and compared, whichever it is, and void ones in the place of those that are
    /// not there: the same work for every token, and for none.
    fn matching(
        &self,
        context: Context<'_>,
        request: &VerifyShort<'_>,
        found: Option<(TokenSlot, &Domain)>,
    ) -> Option<Atc> {
        let covered =
            Covered { trid: request.trid, expiry: request.expiry, transaction: request.transaction };
        let digits = request.value.as_bytes().len();
        let keys = &self.state.keyring.token_derivation;
        let slot = found.map(|(slot, _)| slot);
        let mut outstanding =
            slot.into_iter().flat_map(|slot| self.state.short_values.outstanding(slot, context.now));
        let mut matched = 0u32;
        for _ in 0..OUTSTANDING {
            let real = outstanding.next().and_then(|header| Some((header, keys.get(header.key_version)?)));
            let real = real.filter(|(header, _)| self.still_verifies(header.key_version, context.now));
            let (header, key) = real.unwrap_or_else(|| (void(keys.active().0), keys.active().1));
            let bound =
                found.is_some_and(|(_, domain)| check_binding(domain, &request.transaction, &header).is_ok());
            let make = |key: &TokenKey| key.short_value(&header, &covered, digits);
            if let Ok(value) = Deriver::new(key).with_token_key(request.token, make) {
                let allowed = subtle::Choice::from(u8::from(bound && real.is_some()));
                matched.conditional_assign(&header.atc.get(), value.ct_eq(&request.value) & allowed);
            }
        }
        Atc::new(matched)
    }
}
