//! The PAR and the fingerprint of a PAN.

use crate::account;
use crate::command::{Refusal, Reply};
use crate::engine::{Engine, Unsealed};
use crate::types::Pan;

impl Engine<Unsealed> {
    pub(super) fn par_of(&self, pan: &Pan) -> Result<Reply, Refusal> {
        let state = &self.state;
        let fingerprint = account::fingerprint(state.keyring.fingerprint.active().1, pan);
        match state.par_links.get(fingerprint.as_bytes()) {
            Some(par) => Ok(Reply::Par(par.clone())),
            None => self.derived_par(pan).map(Reply::Par),
        }
    }

    pub(super) fn fingerprint_of(&self, pan: &Pan) -> Reply {
        Reply::Fingerprint(account::fingerprint(self.state.keyring.fingerprint.active().1, pan))
    }
}
