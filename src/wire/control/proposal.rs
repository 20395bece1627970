//! A proposal, and how it stands.

use super::{DIGEST, Digest, Wanted, digest};
use crate::wire::cbor::{Field, Fields, Key, Value};
use crate::wire::{Fault, Status};

const PROPOSED_BY: Key = Key::new(6, "proposed by");
const APPROVED_BY: Key = Key::new(7, "approved by");
const EXPIRES_IN: Key = Key::new(8, "expires in");
const GIVEN: Key = Key::new(16, "components given");

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
    /// Components of a key that were given so far.
    pub given: u8,
}

impl ProposalReport {
    pub(super) fn fields(&self) -> Vec<Field<'_>> {
        let mut fields = self.wanted.fields();
        fields.extend([
            (DIGEST, Some(Value::Bytes(&self.digest))),
            (PROPOSED_BY, Some(Value::Text(&self.proposed_by))),
            (APPROVED_BY, self.approved_by.as_deref().map(Value::Text)),
            (EXPIRES_IN, Some(Value::Uint(self.expires_in))),
            (GIVEN, (self.given > 0).then(|| Value::Uint(self.given.into()))),
        ]);
        fields
    }

    pub(super) fn decode(mut fields: Fields<'_>) -> Result<Self, Fault> {
        let report = Self {
            wanted: Wanted::take(&mut fields)?,
            digest: digest(&mut fields)?,
            proposed_by: fields.text(PROPOSED_BY)?.to_owned(),
            approved_by: fields.optional_text(APPROVED_BY)?.map(str::to_owned),
            expires_in: fields.uint(EXPIRES_IN)?,
            given: u8::try_from(fields.optional_uint(GIVEN)?.unwrap_or(0))
                .map_err(|_| GIVEN.fault(Status::BodyMalformed))?,
        };
        fields.finish()?;
        Ok(report)
    }
}
