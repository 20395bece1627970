//! Re-seal PANs under the active key, some rows at a time.

use zeroize::Zeroizing;

use super::provision::associated;
use super::{Fetched, Need, Stop};
use crate::command::{Refusal, Reply, Reseal, Resealed};
use crate::engine::record::{SealedPan, TokenRecord};
use crate::engine::{Context, Engine, Unsealed};
use crate::store::TokenSlot;

/// What was found in a row.
enum Finding {
    /// It has no PAN any more, or the active key sealed it.
    Fine,
    /// Another key sealed it. Now it is under the active one, and to be written.
    Resealed,
    /// Its PAN does not open. The record is of no more use.
    Unopened,
}

impl Engine<Unsealed> {
    pub(super) fn reseal(
        &mut self,
        context: Context<'_>,
        request: &Reseal,
        fetched: &Fetched,
    ) -> Result<Reply, Stop> {
        let limit = usize::from(request.limit);
        let need = Need::Range { after: request.after.map(TokenSlot), limit };
        let rows = match fetched {
            Fetched::Rows(rows) => rows,
            Fetched::Missing => return Err(Refusal::Stopped.into()),
            _ => return Err(Stop::Fetch(need)),
        };
        let version = self.state.keyring.pan_sealing.active().0;
        let tokens = u32::try_from(self.token_count()).unwrap_or(u32::MAX);
        let mut reply = Resealed { version, looked_at: 0, resealed: 0, unopened: 0, tokens, next: None };
        let (mut changed, mut last) = (Vec::new(), None);
        for row in rows {
            if !context.caller.may_act_for(row.trid) {
                return Err(Refusal::TridNotAllowed.into());
            }
            // A row that was written since it was read ends this step before it.
            let Some(record) = self.current(row) else { break };
            reply.looked_at += 1;
            last = Some(row.slot.0);
            let Ok(mut record) = record else {
                // It is not authentic. It must not keep all others under the old key.
                reply.unopened += 1;
                continue;
            };
            match self.look_at(context, &mut record)? {
                Finding::Fine => {}
                Finding::Resealed => changed.push((row.slot, record)),
                Finding::Unopened => reply.unopened += 1,
            }
        }
        let whole = usize::try_from(reply.looked_at) == Ok(rows.len());
        if last.is_none() && !whole {
            return Err(Stop::Fetch(need));
        }
        // Tokens that the store does not have yet were sealed under this version.
        reply.next = if whole && rows.len() < limit { None } else { last };
        reply.resealed = u32::try_from(changed.len()).unwrap_or(u32::MAX);
        for (slot, record) in changed {
            self.write(slot, record)?;
        }
        Ok(Reply::Resealed(reply))
    }

    fn look_at(&self, context: Context<'_>, record: &mut TokenRecord) -> Result<Finding, Refusal> {
        let (version, active) = self.state.keyring.pan_sealing.active();
        let Some(sealed) = record.pan.as_mut().filter(|sealed| sealed.version != version) else {
            return Ok(Finding::Fine);
        };
        let view = &record.view;
        let associated = associated(view.token, view.trid, &view.fingerprint);
        let mut text = Zeroizing::new(std::mem::take(&mut sealed.text));
        let key = self.state.keyring.pan_sealing.get(sealed.version);
        let opened = key.and_then(|key| Some(key.open(sealed.nonce, &associated, &mut text).ok()?.len()));
        let Some(digits) = opened else { return Ok(Finding::Unopened) };
        // Sealed where it was opened, with the room of the old tag for the new.
        text.truncate(digits);
        let nonce = active.seal(context.random, &associated, &mut text).map_err(|_| Refusal::Stopped)?;
        *sealed = SealedPan { version, nonce, text: std::mem::take(&mut *text) };
        Ok(Finding::Resealed)
    }
}
