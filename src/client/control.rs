//! Dual control, on the admin socket.

use std::io::{Read, Write};

use super::{Answer, Client, ClientError};
use crate::wire::{Control, ControlReply};

impl<S: Read + Write> Client<S> {
    /// Proposes, approves, lists or carries out what two admins must agree on.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn control(&mut self, control: &Control<'_>) -> Result<ControlReply, ClientError> {
        self.alone()?;
        self.submit_body(control.opcode(), |out| {
            control.encode(out);
            Ok(())
        })?;
        match self.only_answer()? {
            Answer::Control(reply) => Ok(*reply),
            _ => Err(ClientError::Protocol("another reply than asked for")),
        }
    }
}
