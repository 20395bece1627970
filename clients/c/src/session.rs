//! One connection, asked by one call at a time.

use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretSlice;
use tallystick::client::{Client, ClientError};
use tallystick::wire::{Opcode, Status};

use crate::code::{self, Code, TALLY_ARGUMENT, TALLY_CONNECTION_LOST, TALLY_INTERNAL};

/// A client, until it fails in a way that leaves open what comes next on its connection.
pub struct Session {
    client: Option<Client<UnixStream>>,
}

impl Session {
    /// Connects. `timeout` limits each wait for the daemon; none for no limit.
    ///
    /// # Errors
    /// The code.
    pub fn connect(path: &Path, name: &str, timeout: Option<Duration>) -> Result<Self, Code> {
        let stream = UnixStream::connect(path).map_err(|_| TALLY_CONNECTION_LOST)?;
        let limited = stream.set_read_timeout(timeout).and_then(|()| stream.set_write_timeout(timeout));
        limited.map_err(|_| TALLY_ARGUMENT)?;
        let client = Client::over(stream, name).map_err(|error| code::of_error(&error))?;
        Ok(Self { client: Some(client) })
    }

    /// Asks, and gives the connection up if the answer leaves it in doubt.
    ///
    /// # Errors
    /// The code; text that the daemon had for a refusal is put into `said`.
    pub fn ask<T>(
        &mut self,
        said: &mut String,
        ask: impl FnOnce(&mut Client<UnixStream>) -> Result<T, ClientError>,
    ) -> Result<T, Code> {
        let client = self.client.as_mut().ok_or(TALLY_CONNECTION_LOST)?;
        ask(client).map_err(|error| {
            let code = code::of_error(&error);
            if code::is_final(code) {
                self.client = None;
            }
            if let ClientError::Refused(_, Some(text)) = error {
                *said = text;
            }
            code
        })
    }

    /// Any operation, as bytes.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn exchange(&mut self, said: &mut String, opcode: u16, body: &[u8]) -> Result<SecretSlice<u8>, Code> {
        let opcode = Opcode::from_number(opcode).ok_or(code::of_status(Status::UnknownOpcode))?;
        self.ask(said, |client| client.exchange(opcode, body))
    }

    /// Gives the connection up: after a fault of ours nobody knows where it stands.
    pub fn end(&mut self) -> Code {
        self.client = None;
        TALLY_INTERNAL
    }
}
