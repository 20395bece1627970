//! How the custody of the keys stands.

use crate::wire::cbor::{self, Key, Value};
use crate::wire::{Fault, Status};

const SEALED: Key = Key::new(1, "sealed");
const PROVIDER: Key = Key::new(2, "provider");
const SPLITTING: Key = Key::new(3, "splitting");
const NEEDED: Key = Key::new(4, "needed");
const MADE: Key = Key::new(5, "made");
const GIVEN: Key = Key::new(6, "given");
const FORGOTTEN_IN: Key = Key::new(7, "forgotten in");

/// How the custody of the keys stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CustodyReport {
    /// No key is in memory.
    pub sealed: bool,
    /// What opens the keyring: `passphrase`, `custodians` or `device`; empty if the
    /// keyring cannot be read.
    pub provider: String,
    /// For custodians, the beginning of their splitting's id, 8 hex digits.
    pub splitting: Option<String>,
    /// For custodians, the shares needed.
    pub needed: u8,
    /// For custodians, the shares made.
    pub made: u8,
    /// The numbers of the shares that were given so far.
    pub given: Vec<u8>,
    /// Seconds after which they are forgotten, if any were given.
    pub forgotten_in: Option<u64>,
}

impl CustodyReport {
    /// Appends the body.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let given = self.given.iter().map(|number| Value::Uint((*number).into())).collect();
        cbor::write(
            out,
            &[
                (SEALED, Some(Value::Bool(self.sealed))),
                (PROVIDER, Some(Value::Text(&self.provider))),
                (SPLITTING, self.splitting.as_deref().map(Value::Text)),
                (NEEDED, Some(Value::Uint(self.needed.into()))),
                (MADE, Some(Value::Uint(self.made.into()))),
                (GIVEN, Some(Value::List(given))),
                (FORGOTTEN_IN, self.forgotten_in.map(Value::Uint)),
            ],
        );
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`Fault`] of the first thing wrong.
    pub fn decode(body: &[u8]) -> Result<Self, Fault> {
        let mut fields = cbor::read(body)?;
        let byte = |number: u64, key: Key| u8::try_from(number).map_err(|_| key.fault(Status::BodyMalformed));
        let number =
            |value: Value<'_>| if let Value::Uint(number) = value { u8::try_from(number).ok() } else { None };
        let report = Self {
            sealed: fields.optional_bool(SEALED)?.ok_or(SEALED.fault(Status::FieldMissing))?,
            provider: fields.text(PROVIDER)?.to_owned(),
            splitting: fields.optional_text(SPLITTING)?.map(str::to_owned),
            needed: byte(fields.uint(NEEDED)?, NEEDED)?,
            made: byte(fields.uint(MADE)?, MADE)?,
            given: fields
                .list(GIVEN)?
                .into_iter()
                .map(number)
                .collect::<Option<_>>()
                .ok_or(GIVEN.fault(Status::BodyMalformed))?,
            forgotten_in: fields.optional_uint(FORGOTTEN_IN)?,
        };
        fields.finish()?;
        Ok(report)
    }
}
