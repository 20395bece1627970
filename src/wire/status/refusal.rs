//! Each refusal of the engine has a status of its own.

use super::Status;
use crate::command::Refusal;
use crate::types::EvidenceError;

macro_rules! refusals {
    ($($refusal:ident $(($inner:path))? => $status:ident,)+) => {
        impl From<Refusal> for Status {
            fn from(refusal: Refusal) -> Self {
                match refusal { $(Refusal::$refusal $(($inner))? => Self::$status,)+ }
            }
        }

        /// The table above as a list: since the match is complete, so is this.
        #[cfg(test)]
        const ALL: &[Refusal] = &[$(Refusal::$refusal $(($inner))?,)+];
    };
}

refusals! {
    Evidence(EvidenceError::ConsentMissing) => ConsentMissing,
    Evidence(EvidenceError::EvidenceMissing) => EvidenceMissing,
    Evidence(EvidenceError::AuthReference) => AuthReferenceMalformed,
    Evidence(EvidenceError::AuthReferenceRequired) => AuthReferenceRequired,
    RoleMissing => RoleMissing,
    TridNotAllowed => TridNotAllowed,
    ExpiryPast => ExpiryPast,
    NoTokenRange => NoTokenRange,
    TokenRangeFull => TokenRangeFull,
    TokenLimit => TokenLimit,
    UnknownToken => UnknownToken,
    TokenInitiated => TokenInitiated,
    TokenSuspended => TokenSuspended,
    TokenDeactivated => TokenDeactivated,
    TokenExpired => TokenExpired,
    WrongTrid => WrongTrid,
    UnknownProvider => UnknownProvider,
    TooManyProviders => TooManyProviders,
    ParConflict => ParConflict,
    IdempotencyConflict => IdempotencyConflict,
    CounterExhausted => CounterExhausted,
    RevisionExhausted => RevisionExhausted,
    CryptogramFormat => CryptogramFormat,
    KeyVersion => KeyVersion,
    WrongExpiry => WrongExpiry,
    DomainMerchant => DomainMerchant,
    DomainChannel => DomainChannel,
    BindingDemanded => BindingDemanded,
    BindingMismatch => BindingMismatch,
    BadMac => BadMac,
    TooOld => TooOld,
    FromFuture => FromFuture,
    NeverIssued => NeverIssued,
    Replayed => Replayed,
    BehindWindow => BehindWindow,
    ShortMismatch => ShortMismatch,
    ShortLocked => ShortLocked,
    TokenLocked => TokenLocked,
    TokenRateLimited => TokenRateLimited,
    UnknownKey => UnknownKey,
    KeyPurpose => KeyPurpose,
    EmvData => EmvDataMissing,
    CardLimit => CardLimit,
    CounterOfChip => CounterOfChip,
    CardValueMismatch => CardValueMismatch,
    CardLocked => CardLocked,
    UnknownHold => UnknownHold,
    UnknownEntry => UnknownEntry,
    HoldLimit => HoldLimit,
    EntryLimit => EntryLimit,
    EntryRefused => EntryRefused,
    Busy => Busy,
    StorageFull => StorageFull,
    Unanchored => Unanchored,
    AuditUnwritable => AuditUnwritable,
    Stopped => Stopped,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_refusals_share_a_status() {
        let statuses: BTreeSet<Status> = ALL.iter().map(|refusal| Status::from(*refusal)).collect();
        assert_eq!(statuses.len(), ALL.len());
        assert!(!statuses.contains(&Status::Ok) && !statuses.contains(&Status::Refused));
    }

    /// What a caller without `auditor` is told of a refused cryptogram or short value.
    /// Without a wildcard: who adds a reason must say here what it tells.
    fn told_without_auditor(refusal: Refusal) -> Status {
        match refusal {
            // Of the caller, or of how the engine is: the same for every token.
            Refusal::RoleMissing => Status::RoleMissing,
            Refusal::IdempotencyConflict => Status::IdempotencyConflict,
            Refusal::UnknownHold => Status::UnknownHold,
            Refusal::UnknownEntry => Status::UnknownEntry,
            Refusal::HoldLimit => Status::HoldLimit,
            Refusal::EntryLimit => Status::EntryLimit,
            Refusal::EntryRefused => Status::EntryRefused,
            Refusal::Busy => Status::Busy,
            Refusal::StorageFull => Status::StorageFull,
            Refusal::Unanchored => Status::Unanchored,
            Refusal::AuditUnwritable => Status::AuditUnwritable,
            Refusal::Stopped => Status::Stopped,
            // Of what was configured or sent for a card.
            Refusal::UnknownKey => Status::UnknownKey,
            Refusal::KeyPurpose => Status::KeyPurpose,
            Refusal::EmvData => Status::EmvDataMissing,
            Refusal::CardLimit => Status::CardLimit,
            Refusal::CounterOfChip => Status::CounterOfChip,
            // By design: only a good cryptogram, or a replayed one, comes to be counted.
            Refusal::TokenRateLimited => Status::TokenRateLimited,
            // Whether the token is there, whose it is, how it stands.
            Refusal::UnknownToken
            | Refusal::TridNotAllowed
            | Refusal::TokenInitiated
            | Refusal::TokenSuspended
            | Refusal::TokenDeactivated
            | Refusal::TokenExpired
            | Refusal::WrongTrid
            | Refusal::WrongExpiry
            | Refusal::DomainMerchant
            | Refusal::DomainChannel
            | Refusal::TokenLocked
            | Refusal::ShortLocked
            // What is wrong with the cryptogram, the value or the card.
            | Refusal::CryptogramFormat
            | Refusal::KeyVersion
            | Refusal::BindingDemanded
            | Refusal::BindingMismatch
            | Refusal::BadMac
            | Refusal::TooOld
            | Refusal::FromFuture
            | Refusal::NeverIssued
            | Refusal::Replayed
            | Refusal::BehindWindow
            | Refusal::ShortMismatch
            | Refusal::CardValueMismatch
            | Refusal::CardLocked
            // No verification is refused for these; what tells most is not told.
            | Refusal::Evidence(_)
            | Refusal::ExpiryPast
            | Refusal::NoTokenRange
            | Refusal::TokenRangeFull
            | Refusal::TokenLimit
            | Refusal::UnknownProvider
            | Refusal::TooManyProviders
            | Refusal::ParConflict
            | Refusal::CounterExhausted
            | Refusal::RevisionExhausted => Status::Refused,
        }
    }

    #[test]
    fn a_non_auditor_gets_one_code_for_every_cryptogram_refusal() {
        for refusal in ALL {
            assert_eq!(Status::for_non_auditor(*refusal), told_without_auditor(*refusal), "{refusal}");
        }
    }
}
