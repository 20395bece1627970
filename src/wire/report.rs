//! What the daemon says of itself on the admin socket.

use super::cbor::{self, Fields, Value};
use super::{Fault, Status};

/// What the daemon is and how it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusReport {
    /// `serving`, or why not.
    pub health: String,
    /// The server's name and version.
    pub server: String,
    /// How the memory that holds the keys is protected: `memfd_secret` or `mlock`.
    pub protection: String,
    /// Whether the process may be dumped or traced by its own user.
    pub dumpable: bool,
    /// Whether it may gain privileges.
    pub no_new_privs: bool,
    /// The largest core file in bytes; none means no limit.
    pub core_limit: Option<u64>,
    /// The store's epoch.
    pub epoch: u64,
    /// The newest commit group that is durable.
    pub durable_group: u64,
    /// Tokens held.
    pub tokens: u64,
    /// Connections open.
    pub connections: u64,
    /// Seconds since the start.
    pub uptime_seconds: u64,
    /// The keys, without their secrets.
    pub keys: Vec<KeyReport>,
}

/// What may be said of a key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyReport {
    /// What it is for.
    pub purpose: String,
    /// Its version.
    pub version: u64,
    /// What it may still do.
    pub state: String,
    /// Its check value, 6 hex digits.
    pub kcv: String,
}

impl StatusReport {
    /// Appends the body.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let keys = self.keys.iter().map(|key| {
            Value::List(vec![
                Value::Text(&key.purpose),
                Value::Uint(key.version),
                Value::Text(&key.state),
                Value::Text(&key.kcv),
            ])
        });
        cbor::write(
            out,
            &[
                (1, Some(Value::Text(&self.health))),
                (2, Some(Value::Text(&self.server))),
                (3, Some(Value::Text(&self.protection))),
                (4, Some(Value::Bool(self.dumpable))),
                (5, Some(Value::Bool(self.no_new_privs))),
                (6, self.core_limit.map(Value::Uint)),
                (7, Some(Value::Uint(self.epoch))),
                (8, Some(Value::Uint(self.durable_group))),
                (9, Some(Value::Uint(self.tokens))),
                (10, Some(Value::Uint(self.connections))),
                (11, Some(Value::Uint(self.uptime_seconds))),
                (12, Some(Value::List(keys.collect()))),
            ],
        );
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`Fault`] of the first thing wrong.
    pub fn decode(body: &[u8]) -> Result<Self, Fault> {
        let mut fields = cbor::read(body)?;
        let missing = |key| Fault::of_field(Status::FieldMissing, key);
        let report = Self {
            health: fields.text(1)?.to_owned(),
            server: fields.text(2)?.to_owned(),
            protection: fields.text(3)?.to_owned(),
            dumpable: fields.optional_bool(4)?.ok_or(missing(4))?,
            no_new_privs: fields.optional_bool(5)?.ok_or(missing(5))?,
            core_limit: fields.optional_uint(6)?,
            epoch: fields.uint(7)?,
            durable_group: fields.uint(8)?,
            tokens: fields.uint(9)?,
            connections: fields.uint(10)?,
            uptime_seconds: fields.uint(11)?,
            keys: keys(&mut fields)?,
        };
        fields.finish()?;
        Ok(report)
    }
}

fn keys(fields: &mut Fields<'_>) -> Result<Vec<KeyReport>, Fault> {
    let list = fields.optional_list(12)?.ok_or(Fault::of_field(Status::FieldMissing, 12))?;
    let key = |value| {
        let Value::List(list) = value else { return None };
        let [Value::Text(purpose), Value::Uint(version), Value::Text(state), Value::Text(kcv)] =
            list.as_slice()
        else {
            return None;
        };
        let (purpose, state, kcv) = ((*purpose).to_owned(), (*state).to_owned(), (*kcv).to_owned());
        Some(KeyReport { purpose, version: *version, state, kcv })
    };
    let keys = list.into_iter().map(key).collect::<Option<_>>();
    keys.ok_or(Fault::of_field(Status::BodyMalformed, 12))
}

/// Appends the body of a METRICS reply.
pub fn encode_metrics(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Reads the body of a METRICS reply: UTF-8 text.
///
/// # Errors
/// [`Status::BodyMalformed`].
pub fn decode_metrics(body: &[u8]) -> Result<String, Fault> {
    std::str::from_utf8(body).map(str::to_owned).map_err(|_| Status::BodyMalformed.into())
}
