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
        for payment in &unfinished {
            self.go_on(payment, now)?;
        }
        let overdue = self.db.read(|db| Payment::overdue(db, now))?;
        for id in &overdue {
            self.authenticate(id, Outcome::Failed, now)?;
        }
        let keyed = self.db.read(|db| Session::keys_left(db, now))?;
        for session in &keyed {
            self.drop_key(session)?;
        }
        let left = self.settle_all(now)?;
        Ok(unfinished.len() + overdue.len() + keyed.len() + left)
    }
}
