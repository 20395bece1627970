//! Custody of the keys, on the admin socket.

use std::io::{Read, Write};

use super::{Answer, Client, ClientError};
use crate::wire::{Custody, CustodyReport};

impl<S: Read + Write> Client<S> {
    /// Unseals, seals, or asks how that stands, and tells how it stands then.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn custody(&mut self, custody: &Custody<'_>) -> Result<CustodyReport, ClientError> {
        self.alone()?;
        self.submit_body(custody.opcode(), |out| {
            custody.encode(out);
            Ok(())
        })?;
        match self.only_answer()? {
            Answer::Custody(report) => Ok(*report),
            _ => Err(ClientError::Protocol("another reply than asked for")),
        }
    }
}
