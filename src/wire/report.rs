//! What the daemon says of itself on the admin socket.

use super::buffer::append;
use super::cbor::{self, Fields, Key, Value};
use super::{Fault, Status};

const HEALTH: Key = Key::new(1, "health");
const SERVER: Key = Key::new(2, "server");
const PROTECTION: Key = Key::new(3, "protection");
const DUMPABLE: Key = Key::new(4, "dumpable");
const NO_NEW_PRIVS: Key = Key::new(5, "no new privs");
const CORE_LIMIT: Key = Key::new(6, "core limit");
const EPOCH: Key = Key::new(7, "epoch");
const DURABLE_GROUP: Key = Key::new(8, "durable group");
const TOKENS: Key = Key::new(9, "tokens");
const CONNECTIONS: Key = Key::new(10, "connections");
const UPTIME_SECONDS: Key = Key::new(11, "uptime seconds");
const KEYS: Key = Key::new(12, "keys");
const SANDBOX: Key = Key::new(20, "sandbox");
const IMPORTED: Key = Key::new(21, "imported keys");

/// What the daemon is and how it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusReport {
    /// `serving`, or why not.
    pub health: String,
    /// The server's name and version.
    pub server: String,
    /// How the memory that holds the keys is protected: `memfd_secret` or `mlock`;
    /// empty while sealed.
    pub protection: String,
    /// Whether the process may be dumped or traced by its own user.
    pub dumpable: bool,
    /// Whether it may gain privileges.
    pub no_new_privs: bool,
    /// The largest core file in bytes; none means no limit.
    pub core_limit: Option<u64>,
    /// How system calls and files are restricted.
    pub sandbox: String,
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
    /// The imported keys, without their secrets.
    pub imported: Vec<ImportedReport>,
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

/// What may be said of an imported key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ImportedReport {
    /// What it is called.
    pub label: String,
    /// What it is for.
    pub purpose: String,
    /// Its algorithm.
    pub algorithm: String,
    /// What it may still do.
    pub state: String,
    /// Its check value, 6 or 10 hex digits.
    pub kcv: String,
    /// Whether it may leave, as a key block says it.
    pub exportability: String,
}

impl ImportedReport {
    const fn texts(&self) -> [&String; 6] {
        let Self { label, purpose, algorithm, state, kcv, exportability } = self;
        [label, purpose, algorithm, state, kcv, exportability]
    }
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
        let imported = self
            .imported
            .iter()
            .map(|key| Value::List(key.texts().into_iter().map(|text| Value::Text(text)).collect()));
        let imported = (!self.imported.is_empty()).then(|| Value::List(imported.collect()));
        cbor::write(
            out,
            &[
                (HEALTH, Some(Value::Text(&self.health))),
                (SERVER, Some(Value::Text(&self.server))),
                (PROTECTION, Some(Value::Text(&self.protection))),
                (DUMPABLE, Some(Value::Bool(self.dumpable))),
                (NO_NEW_PRIVS, Some(Value::Bool(self.no_new_privs))),
                (CORE_LIMIT, self.core_limit.map(Value::Uint)),
                (EPOCH, Some(Value::Uint(self.epoch))),
                (DURABLE_GROUP, Some(Value::Uint(self.durable_group))),
                (TOKENS, Some(Value::Uint(self.tokens))),
                (CONNECTIONS, Some(Value::Uint(self.connections))),
                (UPTIME_SECONDS, Some(Value::Uint(self.uptime_seconds))),
                (KEYS, Some(Value::List(keys.collect()))),
                (SANDBOX, Some(Value::Text(&self.sandbox))),
                (IMPORTED, imported),
            ],
        );
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`Fault`] of the first thing wrong.
    pub fn decode(body: &[u8]) -> Result<Self, Fault> {
        let mut fields = cbor::read(body)?;
        let missing = |key: Key| key.fault(Status::FieldMissing);
        let report = Self {
            health: fields.text(HEALTH)?.to_owned(),
            server: fields.text(SERVER)?.to_owned(),
            protection: fields.text(PROTECTION)?.to_owned(),
            dumpable: fields.optional_bool(DUMPABLE)?.ok_or(missing(DUMPABLE))?,
            no_new_privs: fields.optional_bool(NO_NEW_PRIVS)?.ok_or(missing(NO_NEW_PRIVS))?,
            core_limit: fields.optional_uint(CORE_LIMIT)?,
            epoch: fields.uint(EPOCH)?,
            durable_group: fields.uint(DURABLE_GROUP)?,
            tokens: fields.uint(TOKENS)?,
            connections: fields.uint(CONNECTIONS)?,
            uptime_seconds: fields.uint(UPTIME_SECONDS)?,
            keys: keys(&mut fields)?,
            sandbox: fields.text(SANDBOX)?.to_owned(),
            imported: imported(&mut fields)?,
        };
        fields.finish()?;
        Ok(report)
    }
}

fn keys(fields: &mut Fields<'_>) -> Result<Vec<KeyReport>, Fault> {
    let list = fields.list(KEYS)?;
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
    keys.ok_or(KEYS.fault(Status::BodyMalformed))
}

fn imported(fields: &mut Fields<'_>) -> Result<Vec<ImportedReport>, Fault> {
    let key = |value| {
        let Value::List(list) = value else { return None };
        let text = |value| if let Value::Text(text) = value { Some(text.to_owned()) } else { None };
        let texts = list.into_iter().map(text).collect::<Option<Vec<String>>>()?;
        let [label, purpose, algorithm, state, kcv, exportability] = texts.try_into().ok()?;
        Some(ImportedReport { label, purpose, algorithm, state, kcv, exportability })
    };
    let list = fields.optional_list(IMPORTED)?.unwrap_or_default();
    let keys = list.into_iter().map(key).collect::<Option<_>>();
    keys.ok_or(IMPORTED.fault(Status::BodyMalformed))
}

/// Appends the body of a METRICS reply.
pub fn encode_metrics(out: &mut Vec<u8>, text: &str) {
    append(out, text.as_bytes());
}

/// Reads the body of a METRICS reply: UTF-8 text.
///
/// # Errors
/// [`Status::BodyMalformed`].
pub fn decode_metrics(body: &[u8]) -> Result<String, Fault> {
    std::str::from_utf8(body).map(str::to_owned).map_err(|_| Status::BodyMalformed.into())
}
