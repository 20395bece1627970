//! What is still to be done when nobody asks: payments whose issuer could not be asked,
//! cards that could not be saved, second factors that never came, keys of sessions that
//! are over.

use super::{Fault, House, Outcome};
use crate::types::UnixTime;
use crate::vault::db::{Payment, Session};

impl House {
    /// Goes on with everything that is unfinished; says how much there was.
    ///
    /// # Errors
    /// [`Fault::Db`].
    pub fn sweep(&self, now: UnixTime) -> Result<usize, Fault> {
        let unfinished = self.db.read(Payment::unfinished)?;
        // One that fails does not keep the others waiting; the first fault is told.
        let mut told = Ok(());
        for payment in &unfinished {
            told = told.and(self.go_on(payment, now).map(drop));
        }
        let overdue = self.db.read(|db| Payment::overdue(db, now))?;
        for id in &overdue {
            told = told.and(self.authenticate(id, Outcome::Failed, now).map(drop));
        }
        let keyed = self.db.read(|db| Session::keys_left(db, now))?;
        for session in &keyed {
            told = told.and(self.drop_key(session));
        }
        let left = self.settle_all(now)?;
        told?;
        Ok(unfinished.len() + overdue.len() + keyed.len() + left)
    }
}
