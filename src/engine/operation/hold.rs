//! What may be told of a card that is to be held. It is held elsewhere.

use crate::account;
use crate::command::{HeldCard, HoldCard, Refusal, Reply};
use crate::engine::{Context, Engine, Unsealed};
use crate::types::{CardHandle, UnixTime};

impl Engine<Unsealed> {
    /// Names the card and says what may be told of it; whoever asked holds it.
    pub(super) fn hold_card(&self, context: Context<'_>, asked: &HoldCard) -> Result<Reply, Refusal> {
        let HoldCard { pan, expiry, seconds } = asked;
        let mut handle = [0; CardHandle::LEN];
        context.random.fill(&mut handle).map_err(|_| Refusal::Stopped)?;
        let fingerprint = account::fingerprint(self.state.keyring.fingerprint.active().1, pan);
        let until = context.now.seconds().saturating_add(seconds.get().into());
        Ok(Reply::CardHeld(Box::new(HeldCard {
            handle: CardHandle::from_bytes(handle),
            iin: pan.iin(),
            last_four: pan.last_four(),
            pan_length: u8::try_from(pan.digit_count()).unwrap_or(u8::MAX),
            network: pan.network(),
            expiry: *expiry,
            fingerprint,
            par: self.par_of_card(pan, &fingerprint)?,
            until: UnixTime::from_seconds(until),
        })))
    }
}
