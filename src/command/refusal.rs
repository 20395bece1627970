//! Why the engine refuses.

use thiserror::Error;

use crate::types::EvidenceError;

/// Every reason for which the engine refuses a valid request. Nothing was
/// changed by a refused request, except that misses are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The caller has no role that may do this.
    #[error("the caller has no role for this operation")]
    RoleMissing,
    /// The caller may not act for this token's or request's TRID.
    #[error("the caller may not act for this TRID")]
    TridNotAllowed,
    /// Consent or evidence is missing.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// The card's expiry has passed.
    #[error("the expiry has passed")]
    ExpiryPast,
    /// No token BIN range is configured for the card's network and length.
    #[error("no token BIN range is configured for this card")]
    NoTokenRange,
    /// No free token number was found in the range.
    #[error("the token BIN range is full")]
    TokenRangeFull,
    /// The vault holds as many tokens as it may.
    #[error("the engine holds as many tokens as it may")]
    TokenLimit,
    /// No token has this number.
    #[error("no token has this number")]
    UnknownToken,
    /// No provider has activated the token yet.
    #[error("the token is not active yet")]
    TokenInitiated,
    /// The token is suspended.
    #[error("the token is suspended")]
    TokenSuspended,
    /// The token is deactivated.
    #[error("the token is deactivated")]
    TokenDeactivated,
    /// The token's own expiry has passed.
    #[error("the token has expired")]
    TokenExpired,
    /// The TRID is not the token's.
    #[error("the TRID is not the token's")]
    WrongTrid,
    /// The expiry sent is not the token's.
    #[error("the expiry is not the token's")]
    WrongExpiry,
    /// The token does not stand at the provider named.
    #[error("the token does not stand at that provider")]
    UnknownProvider,
    /// The token stands at as many providers as it may.
    #[error("the token stands at as many providers as it may")]
    TooManyProviders,
    /// The PAN already has another PAR.
    #[error("the PAN is already linked to another PAR")]
    ParConflict,
    /// The idempotency key was used with another request.
    #[error("the idempotency key was used with another request")]
    IdempotencyConflict,
    /// The token or card has issued its last counter.
    #[error("the token or card has issued its last counter")]
    CounterExhausted,
    /// The token was changed as often as it may be.
    #[error("the token was changed as often as it may be")]
    RevisionExhausted,
    /// The cryptogram's format version is not 1 or its header is void.
    #[error("the cryptogram has an unknown format")]
    CryptogramFormat,
    /// No token derivation key has this version, or it is destroyed.
    #[error("the cryptogram's key version is unknown or destroyed")]
    KeyVersion,
    /// The token may not be used at this merchant.
    #[error("the token may not be used at this merchant")]
    DomainMerchant,
    /// The token may not be used through this channel.
    #[error("the token may not be used through this channel")]
    DomainChannel,
    /// The token demands a binding that the cryptogram does not have.
    #[error("the token demands that more of the transaction is bound")]
    BindingDemanded,
    /// The cryptogram binds something that the request does not give, or the
    /// payment is merchant-initiated on one side only.
    #[error("the cryptogram binds data that the transaction lacks")]
    BindingMismatch,
    /// The MAC is wrong.
    #[error("the cryptogram's MAC is wrong")]
    BadMac,
    /// The cryptogram is older than the limit.
    #[error("the cryptogram is too old")]
    TooOld,
    /// The cryptogram's time lies in the future.
    #[error("the cryptogram's time lies in the future")]
    FromFuture,
    /// The counter was never issued.
    #[error("the cryptogram's counter was never issued")]
    NeverIssued,
    /// The cryptogram was accepted before.
    #[error("the cryptogram was accepted before")]
    Replayed,
    /// The counter lies behind the window that is kept.
    #[error("the cryptogram's counter lies behind the replay window")]
    BehindWindow,
    /// No outstanding dynamic verification value matches.
    #[error("the dynamic verification value does not match")]
    ShortMismatch,
    /// Too many misses: the token's short values are locked.
    #[error("the token's dynamic verification values are locked")]
    ShortLocked,
    /// Too many bad MACs: the token's cryptograms are locked for a while.
    #[error("the token's cryptograms are locked after too many bad MACs")]
    TokenLocked,
    /// The token was paid with as often as it may be in this minute.
    #[error("the token was paid with as often as it may be for now")]
    TokenRateLimited,
    /// No imported key has this label.
    #[error("no imported key has this label")]
    UnknownKey,
    /// The key is for something else, or of another algorithm.
    #[error("the key is for something else, or of another algorithm")]
    KeyPurpose,
    /// The EMV data lacks what the cryptogram covers, or holds what is not its place.
    #[error("the EMV data lacks what the cryptogram covers")]
    EmvData,
    /// The engine knows as many cards as it may.
    #[error("the engine knows as many cards as it may")]
    CardLimit,
    /// The card's chip counts by itself: no counter of it can be given out.
    #[error("the card's chip counts by itself")]
    CounterOfChip,
    /// The card verification value is wrong.
    #[error("the card verification value is wrong")]
    CardValueMismatch,
    /// Too many misses: the card is locked for a while.
    #[error("the card is locked after too many misses")]
    CardLocked,
    /// No card is held under the handle, for this caller.
    #[error("no card is held under this handle")]
    UnknownHold,
    /// The caller has no such payment session: it ended, was used, or never was.
    #[error("there is no such entry session")]
    UnknownEntry,
    /// As many cards are held as may be.
    #[error("as many cards are held as may be")]
    HoldLimit,
    /// As many payment sessions' keys are kept as may be.
    #[error("as many entry sessions are open as may be")]
    EntryLimit,
    /// What came in does not decrypt, or is no card: which of them is not told.
    #[error("what was entered is no card that was encrypted for this session")]
    EntryRefused,
    /// A limit is reached; the same request may pass later.
    #[error("the engine is busy: a limit is reached")]
    Busy,
    /// The disk is full; what was reserved is kept for what is under way.
    #[error("the disk is full: nothing new is taken on until there is room")]
    StorageFull,
    /// The anchor cannot be written, so that a rollback would go unnoticed.
    #[error("the anchor cannot be written: nothing new is taken on until it can")]
    Unanchored,
    /// The audit log cannot be written, so that what is done would go unrecorded.
    #[error("the audit log cannot be written: nothing new is taken on until it can")]
    AuditUnwritable,
    /// The engine cannot go on.
    #[error("the engine has stopped")]
    Stopped,
}

impl Refusal {
    /// Whether the refusal tells something of a cryptogram or token that only an
    /// auditor may learn; any other caller gets one code for all of them. That a
    /// token was paid with too often is told to whoever has a good cryptogram only.
    #[must_use]
    pub const fn is_of_cryptogram(self) -> bool {
        !matches!(
            self,
            Self::RoleMissing
                | Self::IdempotencyConflict
                | Self::UnknownKey
                | Self::KeyPurpose
                | Self::EmvData
                | Self::CardLimit
                | Self::CounterOfChip
                | Self::TokenRateLimited
                | Self::UnknownHold
                | Self::UnknownEntry
                | Self::HoldLimit
                | Self::EntryLimit
                | Self::EntryRefused
                | Self::Busy
                | Self::StorageFull
                | Self::Unanchored
                | Self::AuditUnwritable
                | Self::Stopped
        )
    }
}
