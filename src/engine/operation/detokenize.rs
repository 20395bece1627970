//! Read a token's PAN.

use super::{Fetched, Stop};
use crate::command::Reply;
use crate::engine::{Context, Engine, Unsealed};
use crate::types::TokenNumber;

impl Engine<Unsealed> {
    pub(super) fn detokenize(
        &self,
        context: Context<'_>,
        token: TokenNumber,
        fetched: &Fetched,
    ) -> Result<Reply, Stop> {
        let (_, record) = self.find_record(context.caller, token, fetched)?;
        Ok(Reply::Detokenized(self.opened_pan(record)?))
    }
}
