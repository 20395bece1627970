//! Any operation, as bytes: for who reads and writes bodies itself.

use std::io::{Read, Write};

use secrecy::SecretSlice;

use super::{Answer, Client, ClientError};
use crate::wire::{Opcode, append};

impl<S: Read + Write> Client<S> {
    /// Asks with a body as `docs/WIRE.md` has it, and waits for the body of the answer. Either
    /// may hold a PAN: the caller wipes `body`, the reply wipes itself.
    ///
    /// # Errors
    /// As [`call`](Self::call).
    pub fn exchange(&mut self, opcode: Opcode, body: &[u8]) -> Result<SecretSlice<u8>, ClientError> {
        self.alone()?;
        self.submit_body(opcode, |out| {
            append(out, body);
            Ok(())
        })?;
        self.keeps_body = true;
        let answer = self.only_answer();
        self.keeps_body = false;
        match answer? {
            Answer::Body(body) => Ok(body),
            _ => Err(ClientError::Protocol("another reply than asked for")),
        }
    }
}
