//! Cards come in encrypted, under a key that the engine made for one payment session.

use super::{Fault, House};
use crate::command::{EnterCard, EnteredCard, OpenEntry, OpenedEntry};
use crate::types::{EntrySeconds, EntrySession, UnixTime};
use crate::vault::db::Session;
use crate::vault::engine::EngineError;
use crate::wire::Status;

/// How long a key lives at most, in seconds, however long its session is: another one is
/// made when it is asked for.
const KEY: u64 = 1200;
/// Keys of one merchant at a time: an eighth of what the engine has.
const KEYS_AT_A_TIME: u64 = 128;

impl House {
    /// Has the engine make a key that lives until then, at most twenty minutes.
    ///
    /// # Errors
    /// [`Fault::OrderOver`] if that time has come, [`Fault::Engine`].
    pub fn open_entry(&self, merchant: i64, until: UnixTime, now: UnixTime) -> Result<OpenedEntry, Fault> {
        let left = until.seconds().saturating_sub(now.seconds()).min(KEY);
        let seconds = u32::try_from(left).ok().and_then(EntrySeconds::new).ok_or(Fault::OrderOver)?;
        if self.db.read(|db| Session::keys_of(db, merchant))? >= KEYS_AT_A_TIME {
            return Err(EngineError::Away.into());
        }
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
        let closed = self.engine.ask(|client| client.close_entry(entry));
        // While the engine is away it is still there: the sweep comes again.
        if matches!(closed, Err(EngineError::Away)) {
            return Ok(());
        }
        Ok(self.db.write(|tx| Session::unkeyed(tx, &session.id, entry))?)
    }

    /// Ends a key. That it may be gone, or the engine be away, does no harm: it ends by
    /// itself in time.
    pub fn close_entry(&self, session: EntrySession) {
        let _ = self.engine.ask(|client| client.close_entry(session));
    }
}
