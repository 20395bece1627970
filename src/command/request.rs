//! What may be asked.

use std::fmt;

use super::{
    CardSource, EmvArpc, EmvIssue, EmvVerify, EnterCard, HoldCard, MakeCardValue, OpenEntry, Role,
    VerifyCardValue,
};
use crate::types::{
    CardHandle, Cryptogram, Domain, EntrySession, Evidence, Expiry, IdempotencyKey, Pan, Par, ProviderName,
    ShortValue, StatusEvent, TokenNumber, Transaction, Trid,
};

/// A request: a command, and for a changing one its idempotency key.
pub struct Request<'a> {
    /// What is asked.
    pub command: Command<'a>,
    /// The caller's name for the request.
    pub idempotency: Option<IdempotencyKey<'a>>,
    /// The request's bytes as they came, from which its digest is made. They may
    /// hold a PAN.
    pub body: &'a [u8],
}

/// Everything that may be asked of the engine.
#[derive(Debug)]
pub enum Command<'a> {
    /// Save a card: make a token.
    Provision(Box<Provision>),
    /// Show a token.
    Show(TokenNumber),
    /// List a requestor's tokens.
    List(List),
    /// Suspend, resume, deactivate or delete a token.
    ChangeStatus(ChangeStatus),
    /// Give a token a new expiry.
    Renew(Renew),
    /// Link a PAN to a PAR.
    LinkPar(LinkPar),
    /// Read a token's PAN.
    Detokenize(TokenNumber),
    /// The PAR of a PAN.
    Par(Pan),
    /// The fingerprint of a PAN.
    Fingerprint(Pan),
    /// Issue a cryptogram.
    Issue(Issue<'a>),
    /// Verify a cryptogram and consume it.
    Verify(Verify<'a>),
    /// Issue a dynamic verification value.
    IssueShort(IssueShort<'a>),
    /// Verify a dynamic verification value and consume it.
    VerifyShort(VerifyShort<'a>),
    /// Clear the lock on a token's dynamic verification values.
    ClearShortLock(TokenNumber),
    /// Re-seal PANs under the active key.
    Reseal(Reseal),
    /// Issue an application cryptogram.
    EmvIssue(Box<EmvIssue>),
    /// Verify an application cryptogram and consume its counter.
    EmvVerify(Box<EmvVerify>),
    /// Answer an application cryptogram that is right, and consume nothing.
    EmvArpc(Box<EmvArpc>),
    /// Make a card verification value.
    MakeCardValue(Box<MakeCardValue>),
    /// Verify a card verification value.
    VerifyCardValue(Box<VerifyCardValue>),
    /// Hold a card for a while.
    HoldCard(Box<HoldCard>),
    /// Forget a held card.
    ReleaseCard(CardHandle),
    /// Make a payment session's key.
    OpenEntry(OpenEntry),
    /// Decrypt a card with such a key, and hold it.
    EnterCard(EnterCard<'a>),
    /// End such a key.
    CloseEntry(EntrySession),
}

/// The operation of a command, which scopes idempotency keys and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// [`Command::Provision`].
    Provision,
    /// [`Command::Show`].
    Show,
    /// [`Command::List`].
    List,
    /// [`Command::ChangeStatus`].
    ChangeStatus,
    /// [`Command::Renew`].
    Renew,
    /// [`Command::LinkPar`].
    LinkPar,
    /// [`Command::Detokenize`].
    Detokenize,
    /// [`Command::Par`].
    Par,
    /// [`Command::Fingerprint`].
    Fingerprint,
    /// [`Command::Issue`].
    Issue,
    /// [`Command::Verify`].
    Verify,
    /// [`Command::IssueShort`].
    IssueShort,
    /// [`Command::VerifyShort`].
    VerifyShort,
    /// [`Command::ClearShortLock`].
    ClearShortLock,
    /// [`Command::Reseal`].
    Reseal,
    /// [`Command::EmvIssue`].
    EmvIssue,
    /// [`Command::EmvVerify`].
    EmvVerify,
    /// [`Command::EmvArpc`].
    EmvArpc,
    /// [`Command::MakeCardValue`].
    MakeCardValue,
    /// [`Command::VerifyCardValue`].
    VerifyCardValue,
    /// [`Command::HoldCard`].
    HoldCard,
    /// [`Command::ReleaseCard`].
    ReleaseCard,
    /// [`Command::OpenEntry`].
    OpenEntry,
    /// [`Command::EnterCard`].
    EnterCard,
    /// [`Command::CloseEntry`].
    CloseEntry,
}

/// A card to be saved. That it exists means that consent was given.
#[derive(Debug)]
pub struct Provision {
    /// The card.
    pub card: CardSource,
    /// The requestor that the token is for.
    pub trid: Trid,
    /// How the cardholder was authenticated.
    pub evidence: Evidence,
    /// The PAR, if a network gave one: it wins over ours and over one that the card was
    /// linked to before; but over that not if the caller is limited to some requestors.
    pub par: Option<Par>,
    /// Where and how the token may be used.
    pub domain: Domain,
    /// The providers it becomes active at; empty leaves it `initiated`. `None`
    /// means one, named as the card's network.
    pub providers: Option<Vec<ProviderName>>,
}

/// A page of a requestor's tokens.
#[derive(Debug)]
pub struct List {
    /// The requestor.
    pub trid: Trid,
    /// Where the page before ended: [`Page::next`](super::Page::next).
    pub after: Option<u32>,
    /// Most tokens wanted, 1 to 100.
    pub limit: u8,
}

/// A change of a token's status.
#[derive(Debug)]
pub struct ChangeStatus {
    /// The token.
    pub token: TokenNumber,
    /// The one provider concerned, or all.
    pub provider: Option<ProviderName>,
    /// What happens.
    pub event: StatusEvent,
}

/// A new expiry for a token and its card.
#[derive(Debug)]
pub struct Renew {
    /// The token.
    pub token: TokenNumber,
    /// The new expiry of the card and the token.
    pub expiry: Expiry,
}

/// A reissued PAN that keeps its predecessor's PAR.
#[derive(Debug)]
pub struct LinkPar {
    /// The new number of the card.
    pub pan: Pan,
    /// The token of the predecessor, whose PAR is taken over.
    pub predecessor: TokenNumber,
}

/// A cryptogram wanted. What the transaction holds is bound.
#[derive(Debug, Clone, Copy)]
pub struct Issue<'a> {
    /// The token.
    pub token: TokenNumber,
    /// The requestor; it must be the token's.
    pub trid: Trid,
    /// What is known of the payment.
    pub transaction: Transaction<'a>,
}

/// A cryptogram to be verified and consumed.
#[derive(Debug, Clone, Copy)]
pub struct Verify<'a> {
    /// The token.
    pub token: TokenNumber,
    /// The token's expiry as presented.
    pub expiry: Expiry,
    /// The requestor as presented.
    pub trid: Trid,
    /// The payment as presented.
    pub transaction: Transaction<'a>,
    /// The cryptogram.
    pub cryptogram: Cryptogram,
}

/// A dynamic verification value wanted.
#[derive(Debug, Clone, Copy)]
pub struct IssueShort<'a>(pub Issue<'a>);

/// A dynamic verification value to be verified and consumed.
#[derive(Debug, Clone, Copy)]
pub struct VerifyShort<'a> {
    /// The token.
    pub token: TokenNumber,
    /// The token's expiry as presented.
    pub expiry: Expiry,
    /// The requestor as presented.
    pub trid: Trid,
    /// The payment as presented.
    pub transaction: Transaction<'a>,
    /// The value.
    pub value: ShortValue,
}

/// Rows to be looked at and, where another key version sealed them, re-sealed.
#[derive(Debug, Clone, Copy)]
pub struct Reseal {
    /// Where the request before ended: [`Resealed::next`](super::Resealed::next).
    pub after: Option<u32>,
    /// Most rows to look at, 1 to 100.
    pub limit: u8,
}

impl fmt::Debug for Request<'_> {
    /// Without the body, which may hold a PAN.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, idempotency, body } = self;
        f.debug_struct("Request")
            .field("command", command)
            .field("idempotency", idempotency)
            .field("body", &format_args!("{} bytes", body.len()))
            .finish()
    }
}

impl Command<'_> {
    /// The operation.
    #[must_use]
    pub const fn operation(&self) -> Operation {
        match self {
            Self::Provision(_) => Operation::Provision,
            Self::Show(_) => Operation::Show,
            Self::List(_) => Operation::List,
            Self::ChangeStatus(_) => Operation::ChangeStatus,
            Self::Renew(_) => Operation::Renew,
            Self::LinkPar(_) => Operation::LinkPar,
            Self::Detokenize(_) => Operation::Detokenize,
            Self::Par(_) => Operation::Par,
            Self::Fingerprint(_) => Operation::Fingerprint,
            Self::Issue(_) => Operation::Issue,
            Self::Verify(_) => Operation::Verify,
            Self::IssueShort(_) => Operation::IssueShort,
            Self::VerifyShort(_) => Operation::VerifyShort,
            Self::ClearShortLock(_) => Operation::ClearShortLock,
            Self::Reseal(_) => Operation::Reseal,
            Self::EmvIssue(_) => Operation::EmvIssue,
            Self::EmvVerify(_) => Operation::EmvVerify,
            Self::EmvArpc(_) => Operation::EmvArpc,
            Self::MakeCardValue(_) => Operation::MakeCardValue,
            Self::VerifyCardValue(_) => Operation::VerifyCardValue,
            Self::HoldCard(_) => Operation::HoldCard,
            Self::ReleaseCard(_) => Operation::ReleaseCard,
            Self::OpenEntry(_) => Operation::OpenEntry,
            Self::EnterCard(_) => Operation::EnterCard,
            Self::CloseEntry(_) => Operation::CloseEntry,
        }
    }
}

impl Operation {
    /// Every operation, in the order of the enum.
    pub const ALL: [Self; 25] = [
        Self::Provision,
        Self::Show,
        Self::List,
        Self::ChangeStatus,
        Self::Renew,
        Self::LinkPar,
        Self::Detokenize,
        Self::Par,
        Self::Fingerprint,
        Self::Issue,
        Self::Verify,
        Self::IssueShort,
        Self::VerifyShort,
        Self::ClearShortLock,
        Self::Reseal,
        Self::EmvIssue,
        Self::EmvVerify,
        Self::EmvArpc,
        Self::MakeCardValue,
        Self::VerifyCardValue,
        Self::HoldCard,
        Self::ReleaseCard,
        Self::OpenEntry,
        Self::EnterCard,
        Self::CloseEntry,
    ];

    /// The name in metrics and stored idempotency scopes.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provision => "provision",
            Self::Show => "show",
            Self::List => "list",
            Self::ChangeStatus => "change_status",
            Self::Renew => "renew",
            Self::LinkPar => "link_par",
            Self::Detokenize => "detokenize",
            Self::Par => "par",
            Self::Fingerprint => "fingerprint",
            Self::Issue => "issue",
            Self::Verify => "verify",
            Self::IssueShort => "issue_short",
            Self::VerifyShort => "verify_short",
            Self::ClearShortLock => "clear_short_lock",
            Self::Reseal => "reseal",
            Self::EmvIssue => "emv_issue",
            Self::EmvVerify => "emv_verify",
            Self::EmvArpc => "emv_arpc",
            Self::MakeCardValue => "make_card_value",
            Self::VerifyCardValue => "verify_card_value",
            Self::HoldCard => "hold_card",
            Self::ReleaseCard => "release_card",
            Self::OpenEntry => "open_entry",
            Self::EnterCard => "enter_card",
            Self::CloseEntry => "close_entry",
        }
    }

    /// The roles of which one is needed.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::Provision
            | Self::ChangeStatus
            | Self::Renew
            | Self::LinkPar
            | Self::Par
            | Self::Fingerprint
            | Self::HoldCard
            | Self::ReleaseCard
            | Self::OpenEntry
            | Self::EnterCard
            | Self::CloseEntry => &[Role::Provisioner],
            Self::Show | Self::List => &[Role::Provisioner, Role::Auditor],
            Self::Detokenize => &[Role::Detokenizer],
            Self::Issue | Self::IssueShort | Self::EmvIssue | Self::MakeCardValue => &[Role::Issuer],
            Self::Verify | Self::VerifyShort | Self::EmvVerify | Self::EmvArpc | Self::VerifyCardValue => {
                &[Role::Verifier]
            }
            Self::ClearShortLock | Self::Reseal => &[Role::Admin],
        }
    }

    /// Whether it changes anything that is stored, and so honours an idempotency key.
    #[must_use]
    pub const fn is_changing(self) -> bool {
        !matches!(
            self,
            Self::Show
                | Self::List
                | Self::Detokenize
                | Self::Par
                | Self::Fingerprint
                | Self::EmvArpc
                | Self::MakeCardValue
                | Self::HoldCard
                | Self::ReleaseCard
                | Self::OpenEntry
                | Self::EnterCard
                | Self::CloseEntry
        )
    }

    /// Whether it may write: whatever changes something, and what only counts a miss.
    #[must_use]
    pub const fn is_writing(self) -> bool {
        self.is_changing() || matches!(self, Self::EmvArpc)
    }

    /// Whether it accepts or refuses what a payer has.
    #[must_use]
    pub const fn is_verifying(self) -> bool {
        matches!(
            self,
            Self::Verify | Self::VerifyShort | Self::EmvVerify | Self::EmvArpc | Self::VerifyCardValue
        )
    }

    /// Whether it uses an imported key, which belongs to no requestor.
    #[must_use]
    pub const fn is_of_field(self) -> bool {
        matches!(
            self,
            Self::EmvIssue | Self::EmvVerify | Self::EmvArpc | Self::MakeCardValue | Self::VerifyCardValue
        )
    }
}
