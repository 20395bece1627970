//! Cards come in encrypted, under a key that the engine made for one payment session.

use super::{Fault, House};
use crate::command::{EnterCard, EnteredCard, OpenEntry, OpenedEntry};
use crate::types::{EntrySeconds, EntrySession, UnixTime};
use crate::vault::db::Session;
use crate::vault::engine::EngineError;
use crate::wire::Status;

impl House {
    /// Has the engine make a key that lives until then, at most a day.
    ///
    /// # Errors
    /// [`Fault::OrderOver`] if that time has come, [`Fault::Engine`].
    pub fn open_entry(&self, until: UnixTime, now: UnixTime) -> Result<OpenedEntry, Fault> {
        let left = until.seconds().saturating_sub(now.seconds());
        let seconds = u32::try_from(left).ok().and_then(EntrySeconds::new).ok_or(Fault::OrderOver)?;
        match self.engine.ask(|client| client.open_entry(OpenEntry { seconds })) {
            // As many are open as may be: it passes.
            Err(EngineError::Refused(Status::EntryLimit)) => Err(EngineError::Away.into()),
            other => Ok(other?),
        }
    }

    /// Has the engine decrypt a card and hold it. The key is used up by a card that is
    /// taken, and by the fifth that is not.
    ///
    /// # Errors
    /// [`Fault::CardExpired`], [`Fault::Engine`].
    pub fn enter(
        &self,
        session: EntrySession,
        ciphertext: &[u8],
        now: UnixTime,
    ) -> Result<EnteredCard, Fault> {
        let Some(seconds) = super::hold::HELD else { return Err(Fault::CardGone) };
        let entered =
            self.engine.ask(|client| client.enter_card(EnterCard { session, ciphertext, seconds }))?;
        if entered.card.expiry.is_past(now) {
            self.release(entered.card.handle);
            return Err(Fault::CardExpired);
        }
        Ok(entered)
    }

    /// Ends a session's key.
    ///
    /// # Errors
    /// [`Fault::Db`].
    pub fn drop_key(&self, session: &Session) -> Result<(), Fault> {
        let Some(entry) = session.entry else { return Ok(()) };
        self.close_entry(entry);
        Ok(self.db.write(|tx| Session::unkeyed(tx, &session.id, entry))?)
    }

    /// Ends a key. That it may be gone, or the engine be away, does no harm: it ends by
    /// itself in time.
    pub fn close_entry(&self, session: EntrySession) {
        let _ = self.engine.ask(|client| client.close_entry(session));
    }
}
