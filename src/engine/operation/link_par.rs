//! Link a reissued PAN to the PAR of the card before it.

use super::{Fetched, Stop};
use crate::account;
use crate::command::{LinkPar, Reply};
use crate::engine::{Context, Engine, Unsealed};

impl Engine<Unsealed> {
    pub(super) fn link_par(
        &mut self,
        context: Context<'_>,
        request: &LinkPar,
        fetched: &Fetched,
    ) -> Result<Reply, Stop> {
        let (_, predecessor) = self.find_record(context.caller, request.predecessor, fetched)?;
        let par = self.shown(&predecessor).par;
        let fingerprint = account::fingerprint(self.state.keyring.fingerprint.active().1, &request.pan);
        // The predecessor's own PAN already has this PAR.
        if fingerprint != predecessor.view.fingerprint && self.needs_link(&fingerprint, &par)? {
            self.link(fingerprint, &par);
        }
        Ok(Reply::Par(par))
    }
}
