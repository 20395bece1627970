//! Custody of the keys, on the admin socket: unseal and seal.
//!
//! What unseals is a secret: nothing here shows it, and whoever writes a request
//! wipes the buffer, as for a PAN.

mod report;

pub use report::CustodyReport;

use std::fmt;

use super::cbor::{self, Key, Value};
use super::{Fault, Opcode, Status};

const SHARE: Key = Key::new(1, "share");
const PASSPHRASE: Key = Key::new(2, "passphrase");
const WRAPPING_KEY: Key = Key::new(3, "wrapping key");

/// Most characters of a share's text and bytes of a passphrase.
const MAX: usize = 4096;

/// What is asked of the keeper of the keys.
#[derive(Debug)]
pub enum Custody<'a> {
    /// How it stands.
    Report,
    /// Here is what opens the keyring, or a share of it.
    Unseal(Opener<'a>),
    /// Forget the shares that were given so far.
    Forget,
    /// Wipe every key, and serve nothing until unsealed again.
    Seal,
}

/// What opens a keyring, or a part of it.
pub enum Opener<'a> {
    /// The text of one custodian's share.
    Share(&'a str),
    /// The passphrase.
    Passphrase(&'a [u8]),
    /// The wrapping key, as a device unwrapped it.
    WrappingKey(&'a [u8; 32]),
}

impl fmt::Debug for Opener<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Share(_) => "Share(redacted)",
            Self::Passphrase(_) => "Passphrase(redacted)",
            Self::WrappingKey(_) => "WrappingKey(redacted)",
        })
    }
}

impl Opcode {
    /// Whether it is of the custody of keys: answered by the daemon itself, also
    /// while it is sealed.
    #[must_use]
    pub const fn is_custody(self) -> bool {
        matches!(self, Self::Custody | Self::Unseal | Self::Forget | Self::Seal)
    }
}

impl<'a> Custody<'a> {
    /// The opcode of its request.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        match self {
            Self::Report => Opcode::Custody,
            Self::Unseal(_) => Opcode::Unseal,
            Self::Forget => Opcode::Forget,
            Self::Seal => Opcode::Seal,
        }
    }

    /// Reads the body of a request.
    pub(super) fn decode(opcode: Opcode, body: &'a [u8]) -> Result<Self, Fault> {
        let empty = |custody| if body.is_empty() { Ok(custody) } else { Err(Status::BodyTrailing.into()) };
        match opcode {
            Opcode::Custody => empty(Self::Report),
            Opcode::Forget => empty(Self::Forget),
            Opcode::Seal => empty(Self::Seal),
            Opcode::Unseal => decode_opener(body).map(Self::Unseal),
            _ => Err(Status::UnknownOpcode.into()),
        }
    }

    /// Appends the body of a request. The caller wipes the buffer.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (key, value) = match self {
            Self::Report | Self::Forget | Self::Seal => return,
            Self::Unseal(Opener::Share(text)) => (SHARE, Value::Text(text)),
            Self::Unseal(Opener::Passphrase(bytes)) => (PASSPHRASE, Value::Bytes(bytes)),
            Self::Unseal(Opener::WrappingKey(bytes)) => (WRAPPING_KEY, Value::Bytes(bytes.as_slice())),
        };
        cbor::write(out, &[(key, Some(value))]);
    }
}

/// One of the three and no other.
fn decode_opener(body: &[u8]) -> Result<Opener<'_>, Fault> {
    let mut fields = cbor::read(body)?;
    let share = fields.optional_text(SHARE)?;
    let passphrase = fields.optional_bytes(PASSPHRASE)?;
    let key = fields.optional_bytes(WRAPPING_KEY)?;
    fields.finish()?;
    match (share, passphrase, key) {
        (Some(text), None, None) if text.len() <= MAX => Ok(Opener::Share(text)),
        (None, Some(bytes), None) if bytes.len() <= MAX => Ok(Opener::Passphrase(bytes)),
        (None, None, Some(bytes)) => {
            let bytes = bytes.try_into().map_err(|_| WRAPPING_KEY.fault(Status::BodyMalformed))?;
            Ok(Opener::WrappingKey(bytes))
        }
        (None, None, None) => Err(SHARE.fault(Status::FieldMissing)),
        _ => Err(Status::BodyMalformed.into()),
    }
}
