//! What is proposed: an operation that two admins must agree on.

use std::fmt;

use crate::types::{KeyLabel, KeyVersion, Trid};
use crate::wire::cbor::{self, Field, Fields, Key, Value};
use crate::wire::{Fault, Status};

const OPERATION: Key = Key::new(1, "operation");
const PURPOSE: Key = Key::new(2, "purpose");
const VERSION: Key = Key::new(3, "version");
const TRID: Key = Key::new(4, "trid");
const LABEL: Key = Key::new(9, "label");
const TRANSPORT: Key = Key::new(10, "transport key");
const BLOCK: Key = Key::new(11, "key block");
const ALGORITHM: Key = Key::new(12, "algorithm");
const COMPONENTS: Key = Key::new(13, "components");
const KCV: Key = Key::new(14, "key check value");
const EXPORTABLE: Key = Key::new(15, "exportable");

/// Most bytes of a purpose's or an algorithm's name.
const MAX_NAME: usize = 32;
/// Most characters of a key block.
const MAX_BLOCK: usize = 4096;

/// An operation that two admins must agree on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Destroy a retiring version of a key.
    DestroyKey {
        /// What the key is for, by its name in status.
        purpose: String,
        /// The version.
        version: KeyVersion,
    },
    /// Read the PANs of all tokens.
    DetokenizeAll {
        /// Of this requestor only.
        trid: Option<Trid>,
    },
    /// Take a key out of a TR-31 key block.
    ImportKey {
        /// What the key is to be called.
        label: KeyLabel,
        /// The transport key of the block.
        transport: KeyLabel,
        /// The block.
        block: String,
    },
    /// Put a key together from components that custodians hold.
    AssembleKey {
        /// What the key is to be called.
        label: KeyLabel,
        /// What it is for, by its name in status.
        purpose: String,
        /// Its algorithm, by its name in status.
        algorithm: String,
        /// How many components, 2 to 8.
        components: u8,
        /// Its key check value, 6 to 10 hex digits.
        kcv: String,
        /// Whether it may leave under a transport key.
        exportable: bool,
    },
    /// Put a key into a TR-31 key block.
    ExportKey {
        /// The key.
        label: KeyLabel,
        /// The transport key of the block.
        transport: KeyLabel,
    },
    /// Destroy an imported key.
    RemoveKey {
        /// The key.
        label: KeyLabel,
    },
}

impl Wanted {
    /// The operation's name.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::DestroyKey { .. } => "destroy_key",
            Self::DetokenizeAll { .. } => "detokenize_all",
            Self::ImportKey { .. } => "import_key",
            Self::AssembleKey { .. } => "assemble_key",
            Self::ExportKey { .. } => "export_key",
            Self::RemoveKey { .. } => "remove_key",
        }
    }

    /// Appends all of it: what a digest is made over.
    pub fn encode(&self, out: &mut Vec<u8>) {
        cbor::write(out, &self.fields());
    }

    /// Its fields.
    pub(super) fn fields(&self) -> Vec<Field<'_>> {
        let named = |key, label: &'_ KeyLabel| (key, Some(Value::Owned(label.to_string())));
        let mut fields = vec![(OPERATION, Some(Value::Text(self.operation())))];
        match self {
            Self::DestroyKey { purpose, version } => fields.extend([
                (PURPOSE, Some(Value::Text(purpose))),
                (VERSION, Some(Value::Uint(version.get().into()))),
            ]),
            Self::DetokenizeAll { trid } => {
                fields.push((TRID, trid.map(|trid| Value::Owned(trid.to_string()))));
            }
            Self::ImportKey { label, transport, block } => {
                let block = (BLOCK, Some(Value::Text(block)));
                fields.extend([named(LABEL, label), named(TRANSPORT, transport), block]);
            }
            Self::AssembleKey { label, purpose, algorithm, components, kcv, exportable } => fields.extend([
                (PURPOSE, Some(Value::Text(purpose))),
                named(LABEL, label),
                (ALGORITHM, Some(Value::Text(algorithm))),
                (COMPONENTS, Some(Value::Uint((*components).into()))),
                (KCV, Some(Value::Text(kcv))),
                (EXPORTABLE, Some(Value::Bool(*exportable))),
            ]),
            Self::ExportKey { label, transport } => {
                fields.extend([named(LABEL, label), named(TRANSPORT, transport)]);
            }
            Self::RemoveKey { label } => fields.push(named(LABEL, label)),
        }
        fields
    }

    /// Takes it out of a map.
    pub(super) fn take(fields: &mut Fields<'_>) -> Result<Self, Fault> {
        match fields.text(OPERATION)? {
            "destroy_key" => {
                let version = u8::try_from(fields.uint(VERSION)?).ok();
                let version = version.and_then(|version| KeyVersion::new(version).ok());
                let version = version.ok_or(VERSION.fault(Status::BodyMalformed))?;
                Ok(Self::DestroyKey { purpose: short(fields, PURPOSE, MAX_NAME)?, version })
            }
            "detokenize_all" => {
                let trid = fields.optional_text(TRID)?.map(|trid| Trid::parse(trid.as_bytes())).transpose();
                Ok(Self::DetokenizeAll { trid: trid.map_err(|_| TRID.fault(Status::TridMalformed))? })
            }
            "import_key" => Ok(Self::ImportKey {
                label: label(fields, LABEL)?,
                transport: label(fields, TRANSPORT)?,
                block: short(fields, BLOCK, MAX_BLOCK)?,
            }),
            "assemble_key" => assemble(fields),
            "export_key" => {
                Ok(Self::ExportKey { label: label(fields, LABEL)?, transport: label(fields, TRANSPORT)? })
            }
            "remove_key" => Ok(Self::RemoveKey { label: label(fields, LABEL)? }),
            _ => Err(OPERATION.fault(Status::BodyMalformed)),
        }
    }
}

fn assemble(fields: &mut Fields<'_>) -> Result<Wanted, Fault> {
    let components = u8::try_from(fields.uint(COMPONENTS)?).ok().filter(|count| (2..=8).contains(count));
    let kcv = check_value(fields)?;
    Ok(Wanted::AssembleKey {
        label: label(fields, LABEL)?,
        purpose: short(fields, PURPOSE, MAX_NAME)?,
        algorithm: short(fields, ALGORITHM, MAX_NAME)?,
        components: components.ok_or(COMPONENTS.fault(Status::BodyMalformed))?,
        kcv,
        exportable: fields.optional_bool(EXPORTABLE)?.unwrap_or(false),
    })
}

/// A key check value.
pub(super) fn check_value(fields: &mut Fields<'_>) -> Result<String, Fault> {
    let text = short(fields, KCV, MAX_NAME)?;
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let fits = (6..=10).contains(&text.len()) && text.len().is_multiple_of(2) && text.bytes().all(is_hex);
    if fits { Ok(text) } else { Err(KCV.fault(Status::BodyMalformed)) }
}

/// The field of a key check value.
pub(super) const fn check_field(text: &str) -> Field<'_> {
    (KCV, Some(Value::Text(text)))
}

fn label(fields: &mut Fields<'_>, key: Key) -> Result<KeyLabel, Fault> {
    KeyLabel::parse(fields.text(key)?).map_err(|_| key.fault(Status::KeyLabelMalformed))
}

fn short(fields: &mut Fields<'_>, key: Key, most: usize) -> Result<String, Fault> {
    let text = fields.text(key)?;
    if text.len() <= most { Ok(text.to_owned()) } else { Err(key.fault(Status::BodyMalformed)) }
}

impl fmt::Display for Wanted {
    /// In words, without a key block.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DestroyKey { purpose, version } => write!(f, "destroy version {version} of {purpose}"),
            Self::DetokenizeAll { trid: Some(trid) } => write!(f, "read the PANs of all tokens of {trid}"),
            Self::DetokenizeAll { trid: None } => f.write_str("read the PANs of all tokens"),
            Self::ImportKey { label, transport, .. } => {
                write!(f, "import {label} from a key block under {transport}")
            }
            Self::AssembleKey { label, purpose, algorithm, components, kcv, exportable } => {
                let may = if *exportable { "exportable" } else { "not exportable" };
                write!(
                    f,
                    "assemble {label}, {algorithm} for {purpose}, {may}, check value {kcv}, of {components} components"
                )
            }
            Self::ExportKey { label, transport } => {
                write!(f, "export {label} in a key block under {transport}")
            }
            Self::RemoveKey { label } => write!(f, "destroy {label}"),
        }
    }
}
