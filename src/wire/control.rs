//! Dual control, on the admin socket: one admin proposes, another approves by the
//! digest, and then the first carries it out.

mod export;
mod proposal;
mod wanted;

pub use export::Export;
pub use proposal::ProposalReport;
pub use wanted::Wanted;

use std::fmt;

use super::cbor::{self, Key, Value};
use super::{Fault, Opcode, Status};

const DIGEST: Key = Key::new(5, "digest");
const AFTER: Key = Key::new(1, "after");
const LIMIT: Key = Key::new(2, "limit");
const PROPOSALS: Key = Key::new(1, "proposals");
const COMPONENT: Key = Key::new(1, "component");
const BLOCK: Key = Key::new(1, "key block");

/// Most bytes of a component: of the longest key.
const MAX_COMPONENT: usize = 32;

/// The digest of a proposal: what an approval is of.
pub type Digest = [u8; 32];

/// What is asked about operations that two admins must agree on.
#[derive(Debug)]
pub enum Control<'a> {
    /// Propose an operation.
    Propose(Wanted),
    /// Approve what another admin proposed.
    Approve(Digest),
    /// Take a proposal back, one's own or another's.
    Withdraw(Digest),
    /// List what is proposed.
    Proposals,
    /// Destroy the key of an approved proposal.
    DestroyKey(Digest),
    /// Read a page of PANs of an approved proposal.
    DetokenizeAll {
        /// The proposal.
        digest: Digest,
        /// Where the page before ended.
        after: Option<u32>,
        /// Most tokens to look at, 1 to 100.
        limit: u8,
    },
    /// Import or assemble the key of an approved proposal.
    ImportKey(Digest),
    /// Give a component of the key of a proposal.
    GiveComponent {
        /// The proposal.
        digest: Digest,
        /// The component.
        component: Component<'a>,
        /// Its own key check value, 6 to 10 hex digits.
        kcv: String,
    },
    /// Export the key of an approved proposal.
    ExportKey(Digest),
}

/// A component of a key, as many bytes as the key: their exclusive or is the key.
pub struct Component<'a>(pub &'a [u8]);

impl fmt::Debug for Component<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Component(redacted)")
    }
}

/// What is answered.
#[derive(Debug)]
pub enum ControlReply {
    /// The proposal concerned, as it stands now or was carried out.
    Proposal(ProposalReport),
    /// All proposals.
    Proposals(Vec<ProposalReport>),
    /// A page of PANs, in clear.
    Export(Export),
    /// A TR-31 key block.
    KeyBlock(String),
}

impl Opcode {
    /// Whether it is of dual control.
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(
            self,
            Self::Propose
                | Self::Approve
                | Self::Withdraw
                | Self::Proposals
                | Self::DestroyKey
                | Self::DetokenizeAll
                | Self::ImportKey
                | Self::GiveComponent
                | Self::ExportKey
        )
    }
}

impl<'a> Control<'a> {
    /// The opcode of its request.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        match self {
            Self::Propose(_) => Opcode::Propose,
            Self::Approve(_) => Opcode::Approve,
            Self::Withdraw(_) => Opcode::Withdraw,
            Self::Proposals => Opcode::Proposals,
            Self::DestroyKey(_) => Opcode::DestroyKey,
            Self::DetokenizeAll { .. } => Opcode::DetokenizeAll,
            Self::ImportKey(_) => Opcode::ImportKey,
            Self::GiveComponent { .. } => Opcode::GiveComponent,
            Self::ExportKey(_) => Opcode::ExportKey,
        }
    }

    /// Reads the body of a request.
    pub(super) fn decode(opcode: Opcode, body: &'a [u8]) -> Result<Self, Fault> {
        if opcode == Opcode::Proposals {
            return if body.is_empty() { Ok(Self::Proposals) } else { Err(Status::BodyTrailing.into()) };
        }
        let mut fields = cbor::read(body)?;
        let control = match opcode {
            Opcode::Propose => Self::Propose(Wanted::take(&mut fields)?),
            Opcode::Approve => Self::Approve(digest(&mut fields)?),
            Opcode::Withdraw => Self::Withdraw(digest(&mut fields)?),
            Opcode::DestroyKey => Self::DestroyKey(digest(&mut fields)?),
            Opcode::ImportKey => Self::ImportKey(digest(&mut fields)?),
            Opcode::ExportKey => Self::ExportKey(digest(&mut fields)?),
            Opcode::GiveComponent => Self::GiveComponent {
                component: component(&mut fields)?,
                kcv: wanted::check_value(&mut fields)?,
                digest: digest(&mut fields)?,
            },
            Opcode::DetokenizeAll => {
                let after = fields.optional_uint(AFTER)?.map(u32::try_from).transpose();
                let limit = u8::try_from(fields.uint(LIMIT)?).ok().filter(|limit| (1..=100).contains(limit));
                Self::DetokenizeAll {
                    digest: digest(&mut fields)?,
                    after: after.map_err(|_| AFTER.fault(Status::PositionMalformed))?,
                    limit: limit.ok_or(LIMIT.fault(Status::LimitMalformed))?,
                }
            }
            _ => return Err(Status::UnknownOpcode.into()),
        };
        fields.finish()?;
        Ok(control)
    }

    /// Appends the body of a request. It may hold a component: the caller wipes the
    /// buffer.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Proposals => {}
            Self::Propose(wanted) => cbor::write(out, &wanted.fields()),
            Self::Approve(digest)
            | Self::Withdraw(digest)
            | Self::DestroyKey(digest)
            | Self::ImportKey(digest)
            | Self::ExportKey(digest) => {
                cbor::write(out, &[(DIGEST, Some(Value::Bytes(digest)))]);
            }
            Self::GiveComponent { digest, component: Component(bytes), kcv } => {
                let component = (COMPONENT, Some(Value::Bytes(bytes)));
                let digest = (DIGEST, Some(Value::Bytes(digest)));
                cbor::write(out, &[component, digest, wanted::check_field(kcv)]);
            }
            Self::DetokenizeAll { digest, after, limit } => {
                let after = after.map(|after| Value::Uint(after.into()));
                let limit = Value::Uint((*limit).into());
                cbor::write(
                    out,
                    &[(AFTER, after), (LIMIT, Some(limit)), (DIGEST, Some(Value::Bytes(digest)))],
                );
            }
        }
    }
}

impl ControlReply {
    /// Appends the body. It may hold PANs: the caller wipes the buffer.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Proposal(report) => cbor::write(out, &report.fields()),
            Self::Proposals(reports) => {
                let list = reports.iter().map(|report| cbor::map_of(report.fields())).collect();
                cbor::write(out, &[(PROPOSALS, Some(Value::List(list)))]);
            }
            Self::Export(export) => export.encode(out),
            Self::KeyBlock(block) => cbor::write(out, &[(BLOCK, Some(Value::Text(block)))]),
        }
    }

    /// Reads the body of a reply to `opcode`.
    ///
    /// # Errors
    /// [`Fault`] of the first thing wrong.
    pub fn decode(opcode: Opcode, body: &[u8]) -> Result<Self, Fault> {
        let mut fields = cbor::read(body)?;
        match opcode {
            Opcode::DetokenizeAll => Export::decode(fields).map(Self::Export),
            Opcode::ExportKey => {
                let block = fields.text(BLOCK)?.to_owned();
                fields.finish()?;
                Ok(Self::KeyBlock(block))
            }
            Opcode::Proposals => {
                let malformed = PROPOSALS.fault(Status::BodyMalformed);
                let one = |value| ProposalReport::decode(cbor::Fields::of(value).ok_or(malformed)?);
                let list = fields.list(PROPOSALS)?.into_iter().map(one).collect::<Result<_, _>>()?;
                fields.finish()?;
                Ok(Self::Proposals(list))
            }
            _ => ProposalReport::decode(fields).map(Self::Proposal),
        }
    }
}

fn digest(fields: &mut cbor::Fields<'_>) -> Result<Digest, Fault> {
    let bytes = fields.optional_bytes(DIGEST)?.ok_or(DIGEST.fault(Status::FieldMissing))?;
    bytes.try_into().map_err(|_| DIGEST.fault(Status::BodyMalformed))
}

fn component<'a>(fields: &mut cbor::Fields<'a>) -> Result<Component<'a>, Fault> {
    let bytes = fields.optional_bytes(COMPONENT)?.ok_or(COMPONENT.fault(Status::FieldMissing))?;
    let fits = (1..=MAX_COMPONENT).contains(&bytes.len());
    if fits { Ok(Component(bytes)) } else { Err(COMPONENT.fault(Status::ComponentMalformed)) }
}
