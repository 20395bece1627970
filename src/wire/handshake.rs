//! HELLO and WELCOME: version and limits.

use super::cbor::{self, Key, Value};
use super::{DEFAULT_FRAME, DEFAULT_IN_FLIGHT, Fault, Status};

/// The protocol version spoken here.
pub const PROTOCOL: u64 = 1;

/// Bytes of the largest frame, at least: no side may go below it.
pub const LEAST_FRAME: u32 = 4096;

const VERSIONS: Key = Key::new(1, "versions");
const VERSION: Key = Key::new(1, "version");
const FRAME: Key = Key::new(2, "largest frame");
const IN_FLIGHT: Key = Key::new(3, "in flight");
const NAME: Key = Key::new(4, "name");
const SERVER: Key = Key::new(4, "server");

/// What a client offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// Protocol versions it speaks.
    pub versions: Vec<u64>,
    /// Bytes of the largest frame it wants.
    pub frame: u32,
    /// Most requests it wants in flight.
    pub in_flight: u32,
    /// Its name, for the log: 1 to 64 printable characters.
    pub name: String,
}

/// What the server agrees to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The version that both speak.
    pub version: u64,
    /// Bytes of the largest frame either may send.
    pub frame: u32,
    /// Most requests in flight.
    pub in_flight: u32,
    /// The server's name and version.
    pub server: String,
}

impl Hello {
    /// What this library's client offers.
    #[must_use]
    pub fn ours(name: &str) -> Self {
        Self {
            versions: vec![PROTOCOL],
            frame: DEFAULT_FRAME,
            in_flight: DEFAULT_IN_FLIGHT,
            name: name.to_owned(),
        }
    }

    /// Appends the body.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let versions = self.versions.iter().map(|version| Value::Uint(*version)).collect();
        cbor::write(
            out,
            &[
                (VERSIONS, Some(Value::List(versions))),
                (FRAME, Some(Value::Uint(self.frame.into()))),
                (IN_FLIGHT, Some(Value::Uint(self.in_flight.into()))),
                (NAME, Some(Value::Text(&self.name))),
            ],
        );
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`Fault`] of the first thing wrong.
    pub fn decode(body: &[u8]) -> Result<Self, Fault> {
        let mut fields = cbor::read(body)?;
        let versions = fields.list(VERSIONS)?;
        let version = |value| match value {
            Value::Uint(version) => Ok(version),
            _ => Err(VERSIONS.fault(Status::BodyMalformed)),
        };
        let versions = versions.into_iter().map(version).collect::<Result<_, _>>()?;
        let frame = number(FRAME, fields.uint(FRAME)?)?;
        let in_flight = number(IN_FLIGHT, fields.uint(IN_FLIGHT)?)?;
        let name = fields.text(NAME)?;
        if !(1..=64).contains(&name.len())
            || !name.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        {
            return Err(NAME.fault(Status::NameMalformed));
        }
        fields.finish()?;
        Ok(Self { versions, frame, in_flight, name: name.to_owned() })
    }

    /// Agrees: the version we speak, and the smaller of each limit.
    ///
    /// # Errors
    /// [`Status::WrongVersion`] if the client does not speak ours.
    pub fn agree(&self, frame: u32, in_flight: u32, server: &str) -> Result<Welcome, Status> {
        if !self.versions.contains(&PROTOCOL) {
            return Err(Status::WrongVersion);
        }
        Ok(Welcome {
            version: PROTOCOL,
            frame: self.frame.clamp(LEAST_FRAME, frame.max(LEAST_FRAME)),
            in_flight: self.in_flight.clamp(1, in_flight.max(1)),
            server: server.to_owned(),
        })
    }
}

impl Welcome {
    /// Appends the body.
    pub fn encode(&self, out: &mut Vec<u8>) {
        cbor::write(
            out,
            &[
                (VERSION, Some(Value::Uint(self.version))),
                (FRAME, Some(Value::Uint(self.frame.into()))),
                (IN_FLIGHT, Some(Value::Uint(self.in_flight.into()))),
                (SERVER, Some(Value::Text(&self.server))),
            ],
        );
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`Fault`] of the first thing wrong.
    pub fn decode(body: &[u8]) -> Result<Self, Fault> {
        let mut fields = cbor::read(body)?;
        let welcome = Self {
            version: fields.uint(VERSION)?,
            frame: number(FRAME, fields.uint(FRAME)?)?,
            in_flight: number(IN_FLIGHT, fields.uint(IN_FLIGHT)?)?,
            server: fields.text(SERVER)?.to_owned(),
        };
        fields.finish()?;
        Ok(welcome)
    }
}

fn number(key: Key, value: u64) -> Result<u32, Fault> {
    u32::try_from(value).map_err(|_| key.fault(Status::BodyMalformed))
}
