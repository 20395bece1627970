//! Read a token's PAN.

use zeroize::Zeroizing;

use super::provision::associated;
use super::{Fetched, Stop};
use crate::command::{Detokenized, Refusal, Reply};
use crate::engine::{Context, Engine, Unsealed};
use crate::types::{Pan, TokenNumber};

impl Engine<Unsealed> {
    pub(super) fn detokenize(
        &self,
        context: Context<'_>,
        token: TokenNumber,
        fetched: &Fetched,
    ) -> Result<Reply, Stop> {
        let (_, record) = self.find_record(context.caller, token, fetched)?;
        let sealed = record.pan.ok_or(Refusal::TokenDeactivated)?;
        let key = self.state.keyring.pan_sealing.get(sealed.version).ok_or(Refusal::KeyVersion)?;
        let view = &record.view;
        let associated = associated(view.token, view.trid, &view.fingerprint);
        let mut text = Zeroizing::new(sealed.text);
        // A row that was moved or changed does not open; the engine must not guess.
        let digits = key.open(sealed.nonce, &associated, &mut text).map_err(|_| Refusal::Stopped)?;
        let pan = Pan::parse(digits).map_err(|_| Refusal::Stopped)?;
        Ok(Reply::Detokenized(Detokenized { pan, expiry: view.card_expiry }))
    }
}
