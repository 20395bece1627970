//! The PAR and the fingerprint of a PAN.

use crate::account;
use crate::command::{Refusal, Reply};
use crate::engine::{Engine, Unsealed};
use crate::types::{Fingerprint, Pan, Par};

impl Engine<Unsealed> {
    pub(super) fn par_of(&self, pan: &Pan) -> Result<Reply, Refusal> {
        let fingerprint = account::fingerprint(self.state.keyring.fingerprint.active().1, pan);
        self.par_of_card(pan, &fingerprint).map(Reply::Par)
    }

    /// The linked PAR of a card, else the derived one.
    pub(super) fn par_of_card(&self, pan: &Pan, fingerprint: &Fingerprint) -> Result<Par, Refusal> {
        match self.state.par_links.get(fingerprint.as_bytes()) {
            Some(par) => Ok(par.clone()),
            None => self.derived_par(pan),
        }
    }

    pub(super) fn fingerprint_of(&self, pan: &Pan) -> Reply {
        Reply::Fingerprint(account::fingerprint(self.state.keyring.fingerprint.active().1, pan))
    }
}
