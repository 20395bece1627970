//! What is proposed, and how it stands.

use super::{DIGEST, Digest, digest};
use crate::types::{KeyVersion, Trid};
use crate::wire::cbor::{Field, Fields, Key, Value};
use crate::wire::{Fault, Status};

const OPERATION: Key = Key::new(1, "operation");
const PURPOSE: Key = Key::new(2, "purpose");
const VERSION: Key = Key::new(3, "version");
const TRID: Key = Key::new(4, "trid");
const PROPOSED_BY: Key = Key::new(6, "proposed by");
const APPROVED_BY: Key = Key::new(7, "approved by");
const EXPIRES_IN: Key = Key::new(8, "expires in");

/// Most bytes of a purpose's name.
const MAX: usize = 32;

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
}

/// A proposal, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalReport {
    /// What is wanted.
    pub wanted: Wanted,
    /// The digest: what an approval is of.
    pub digest: Digest,
    /// The peer that proposed it.
    pub proposed_by: String,
    /// The peer that approved it, if one has.
    pub approved_by: Option<String>,
    /// Seconds after which it is void.
    pub expires_in: u64,
}

impl Wanted {
    /// The operation's name.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::DestroyKey { .. } => "destroy_key",
            Self::DetokenizeAll { .. } => "detokenize_all",
        }
    }

    /// Its fields.
    pub(super) fn fields(&self) -> [Field<'_>; 4] {
        let operation = (OPERATION, Some(Value::Text(self.operation())));
        match self {
            Self::DestroyKey { purpose, version } => [
                operation,
                (PURPOSE, Some(Value::Text(purpose))),
                (VERSION, Some(Value::Uint(version.get().into()))),
                (TRID, None),
            ],
            Self::DetokenizeAll { trid } => {
                let trid = trid.map(|trid| Value::Owned(trid.to_string()));
                [operation, (PURPOSE, None), (VERSION, None), (TRID, trid)]
            }
        }
    }

    /// Takes it out of a map.
    pub(super) fn take(fields: &mut Fields<'_>) -> Result<Self, Fault> {
        match fields.text(OPERATION)? {
            "destroy_key" => {
                let purpose = fields.text(PURPOSE)?;
                let version = u8::try_from(fields.uint(VERSION)?).ok();
                let version = version.and_then(|version| KeyVersion::new(version).ok());
                if purpose.len() > MAX {
                    return Err(PURPOSE.fault(Status::BodyMalformed));
                }
                let version = version.ok_or(VERSION.fault(Status::BodyMalformed))?;
                Ok(Self::DestroyKey { purpose: purpose.to_owned(), version })
            }
            "detokenize_all" => {
                let trid = fields.optional_text(TRID)?.map(|trid| Trid::parse(trid.as_bytes())).transpose();
                Ok(Self::DetokenizeAll { trid: trid.map_err(|_| TRID.fault(Status::TridMalformed))? })
            }
            _ => Err(OPERATION.fault(Status::BodyMalformed)),
        }
    }
}

impl ProposalReport {
    pub(super) fn fields(&self) -> [Field<'_>; 8] {
        let [operation, purpose, version, trid] = self.wanted.fields();
        [
            operation,
            purpose,
            version,
            trid,
            (DIGEST, Some(Value::Bytes(&self.digest))),
            (PROPOSED_BY, Some(Value::Text(&self.proposed_by))),
            (APPROVED_BY, self.approved_by.as_deref().map(Value::Text)),
            (EXPIRES_IN, Some(Value::Uint(self.expires_in))),
        ]
    }

    pub(super) fn decode(mut fields: Fields<'_>) -> Result<Self, Fault> {
        let report = Self {
            wanted: Wanted::take(&mut fields)?,
            digest: digest(&mut fields)?,
            proposed_by: fields.text(PROPOSED_BY)?.to_owned(),
            approved_by: fields.optional_text(APPROVED_BY)?.map(str::to_owned),
            expires_in: fields.uint(EXPIRES_IN)?,
        };
        fields.finish()?;
        Ok(report)
    }
}
