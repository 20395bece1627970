//! Take a counter for a cryptogram. The cryptogram itself is computed later,
//! outside the lock.

use crate::command::{Issue, Refusal};
use crate::engine::profiles::Profile;
use crate::engine::{Context, Engine, IssueTask, Unsealed};
use crate::store::TokenSlot;
use crate::types::CryptogramHeader;

impl Engine<Unsealed> {
    pub(super) fn issue<'a>(
        &mut self,
        context: Context<'_>,
        request: &Issue<'a>,
    ) -> Result<IssueTask<'a>, Refusal> {
        let slot = self.check_issue(context, request)?;
        self.take_counter(context, request, slot)
    }

    /// Whether a cryptogram or short value may be issued, and for which slot.
    pub(super) fn check_issue(
        &self,
        context: Context<'_>,
        request: &Issue<'_>,
    ) -> Result<TokenSlot, Refusal> {
        let (slot, entry) = self.find(context.caller, request.token)?;
        let Profile { trid, domain } = self.profile(entry)?;
        if *trid != request.trid {
            return Err(Refusal::WrongTrid);
        }
        entry.check_usable(context.now)?;
        let transaction = &request.transaction;
        // Before a payment its merchant may not be known yet; one that is named must be allowed.
        if transaction.merchant.is_some() && !domain.allows_merchant(transaction.merchant) {
            return Err(Refusal::DomainMerchant);
        }
        if !domain.channels.allows(transaction.channel) {
            return Err(Refusal::DomainChannel);
        }
        if !transaction.binding().contains(domain.demands) {
            return Err(Refusal::BindingDemanded);
        }
        Ok(slot)
    }

    /// Takes the next counter of a token into the open group.
    pub(super) fn take_counter<'a>(
        &mut self,
        context: Context<'_>,
        request: &Issue<'a>,
        slot: TokenSlot,
    ) -> Result<IssueTask<'a>, Refusal> {
        let state = &mut self.state;
        if !state.rates.may(slot, context.now) {
            return Err(Refusal::TokenRateLimited);
        }
        let entry = state.book.get_mut(slot).ok_or(Refusal::UnknownToken)?;
        let atc = entry.counters.issue().map_err(|_| Refusal::CounterExhausted)?;
        let expiry = entry.expiry;
        state.rates.charge(slot, context.now);
        state.issued(slot, atc);
        let header = CryptogramHeader {
            binding: request.transaction.binding(),
            key_version: state.keyring.token_derivation.active().0,
            atc,
            slot: context.now.slot(),
        };
        Ok(IssueTask {
            token: request.token,
            trid: request.trid,
            expiry,
            header,
            transaction: request.transaction,
        })
    }
}
