//! Verify a dynamic verification value and consume it, once.

use subtle::{ConditionallySelectable, ConstantTimeEq};

use super::verify::{Presented, check_binding};
use crate::command::{Refusal, Reply, VerifyShort};
use crate::cryptogram::native::{Covered, Deriver};
use crate::engine::{Context, Engine, Unsealed};
use crate::store::TokenSlot;
use crate::types::{Atc, Domain};

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
        let (slot, domain) = self.check_presented(context, &presented)?;
        if self.state.short_values.is_locked(slot) {
            return Err(Refusal::ShortLocked);
        }
        let Some(atc) = self.matching(context, request, slot, domain) else {
            let record = self.state.short_values.miss(slot);
            self.state.open.records.push(record);
            return Err(Refusal::ShortMismatch);
        };
        let reply = self.consume(slot, atc)?;
        let record = self.state.short_values.consume(slot, atc);
        self.state.open.records.push(record);
        Ok(reply)
    }

    /// The counter of the outstanding value that matches. Every one is computed
    /// and compared, whichever it is.
    fn matching(
        &self,
        context: Context<'_>,
        request: &VerifyShort<'_>,
        slot: TokenSlot,
        domain: &Domain,
    ) -> Option<Atc> {
        let covered =
            Covered { trid: request.trid, expiry: request.expiry, transaction: request.transaction };
        let digits = request.value.as_bytes().len();
        let mut found = 0u32;
        for header in self.state.short_values.outstanding(slot, context.now) {
            let Some(key) = self.state.keyring.token_derivation.get(header.key_version) else { continue };
            if !self.still_verifies(header.key_version, context.now) {
                continue;
            }
            let key = Deriver::new(key).token_key(request.token);
            let allowed = check_binding(domain, &request.transaction, &header).is_ok();
            if let Ok(value) = key.short_value(&header, &covered, digits) {
                let hit = value.ct_eq(&request.value) & subtle::Choice::from(u8::from(allowed));
                found.conditional_assign(&header.atc.get(), hit);
            }
        }
        Atc::new(found)
    }
}
