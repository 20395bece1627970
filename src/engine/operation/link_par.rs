//! Link a reissued PAN to the PAR of the card before it.

use super::{Fetched, Stop};
use crate::account;
use crate::command::{LinkPar, Refusal, Reply};
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
        match self.state.par_links.get(fingerprint.as_bytes()) {
            Some(other) if *other != par => return Err(Refusal::ParConflict.into()),
            Some(_) => {}
            // The predecessor's own PAN already has this PAR.
            None if fingerprint == predecessor.view.fingerprint => {}
            None => self.link(fingerprint, &par),
        }
        Ok(Reply::Par(par))
    }
}
