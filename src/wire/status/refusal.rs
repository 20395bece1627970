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

    #[test]
    fn a_non_auditor_gets_one_code_for_every_cryptogram_refusal() {
        for refusal in ALL {
            let told = Status::for_non_auditor(*refusal);
            assert_eq!(told == Status::Refused, refusal.is_of_cryptogram(), "{refusal}");
            assert!(told == Status::Refused || told == Status::from(*refusal));
        }
    }
}
