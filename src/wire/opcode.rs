//! The operations by number.

use crate::command::Operation;

macro_rules! opcodes {
    ($($(#[$doc:meta])* $name:ident = $number:literal $text:literal,)+) => {
        /// What a frame asks for. A reply carries the opcode of its request.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Opcode {
            $($(#[$doc])* $name,)+
        }

        impl Opcode {
            /// Every opcode, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The number on the wire.
            #[must_use]
            pub const fn number(self) -> u16 {
                match self { $(Self::$name => $number,)+ }
            }

            /// The opcode with this number.
            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$name),)+ _ => None }
            }

            /// The name in metrics and documents.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }
        }
    };
}

opcodes! {
    /// Agree on version and limits: the first frame of a connection.
    Hello = 0x0001 "hello",
    /// Nothing but an answer.
    Ping = 0x0002 "ping",
    /// Issue a cryptogram.
    Issue = 0x0010 "issue",
    /// Verify a cryptogram and consume it.
    Verify = 0x0011 "verify",
    /// Many issues in one frame.
    IssueBatch = 0x0012 "issue_batch",
    /// Many verifications in one frame.
    VerifyBatch = 0x0013 "verify_batch",
    /// Issue a dynamic verification value.
    IssueShort = 0x0014 "issue_short",
    /// Verify a dynamic verification value and consume it.
    VerifyShort = 0x0015 "verify_short",
    /// Save a card.
    Provision = 0x0020 "provision",
    /// Show a token.
    Show = 0x0021 "show",
    /// List a requestor's tokens.
    List = 0x0022 "list",
    /// Suspend, resume or deactivate a token.
    ChangeStatus = 0x0023 "change_status",
    /// Give a token a new expiry.
    Renew = 0x0024 "renew",
    /// Link a PAN to its predecessor's PAR.
    LinkPar = 0x0025 "link_par",
    /// Read a token's PAN.
    Detokenize = 0x0026 "detokenize",
    /// The PAR of a PAN.
    Par = 0x0027 "par",
    /// The fingerprint of a PAN.
    Fingerprint = 0x0028 "fingerprint",
    /// Clear the lock on a token's dynamic verification values.
    ClearShortLock = 0x0029 "clear_short_lock",
    /// Re-seal PANs under the active key. Admin socket only.
    Reseal = 0x002a "reseal",
    /// Issue an application cryptogram.
    EmvIssue = 0x0030 "emv_issue",
    /// Verify an application cryptogram and consume its counter.
    EmvVerify = 0x0031 "emv_verify",
    /// Answer an application cryptogram.
    EmvArpc = 0x0032 "emv_arpc",
    /// Make a card verification value.
    MakeCardValue = 0x0033 "make_card_value",
    /// Verify a card verification value.
    VerifyCardValue = 0x0034 "verify_card_value",
    /// Hold a card for a while.
    HoldCard = 0x0038 "hold_card",
    /// Forget a held card.
    ReleaseCard = 0x0039 "release_card",
    /// Make a payment session's key.
    OpenEntry = 0x003a "open_entry",
    /// Decrypt a card with such a key, and hold it.
    EnterCard = 0x003b "enter_card",
    /// End such a key.
    CloseEntry = 0x003c "close_entry",
    /// What the daemon is and how it is. Admin socket only.
    Status = 0x0040 "status",
    /// Metrics in the OpenMetrics text format. Admin socket only.
    Metrics = 0x0041 "metrics",
    /// How the custody of the keys stands. Admin socket only.
    Custody = 0x0050 "custody",
    /// Give what opens the keyring, or one share of it. Admin socket only.
    Unseal = 0x0051 "unseal",
    /// Forget the shares that were given so far. Admin socket only.
    Forget = 0x0052 "forget",
    /// Wipe every key and serve nothing until unsealed. Admin socket only.
    Seal = 0x0053 "seal",
    /// Propose an operation that another admin must approve. Admin socket only.
    Propose = 0x0054 "propose",
    /// Approve what another admin proposed. Admin socket only.
    Approve = 0x0055 "approve",
    /// Take a proposal back. Admin socket only.
    Withdraw = 0x0056 "withdraw",
    /// List what is proposed. Admin socket only.
    Proposals = 0x0057 "proposals",
    /// Destroy the key of an approved proposal. Admin socket only.
    DestroyKey = 0x0058 "destroy_key",
    /// Read the PANs of an approved proposal, a page at a time. Admin socket only.
    DetokenizeAll = 0x0059 "detokenize_all",
    /// Import or assemble the key of an approved proposal. Admin socket only.
    ImportKey = 0x005a "import_key",
    /// Give a component of the key of a proposal. Admin socket only.
    GiveComponent = 0x005b "give_component",
    /// Export the key of an approved proposal. Admin socket only.
    ExportKey = 0x005c "export_key",
    /// Begin a backup of everything stored. Admin socket only.
    BackupBegin = 0x0060 "backup_begin",
    /// The next piece of the backup that was begun on this connection.
    BackupNext = 0x0061 "backup_next",
}

impl Opcode {
    /// The opcode of an engine operation.
    #[must_use]
    pub const fn of(operation: Operation) -> Self {
        match operation {
            Operation::Provision => Self::Provision,
            Operation::Show => Self::Show,
            Operation::List => Self::List,
            Operation::ChangeStatus => Self::ChangeStatus,
            Operation::Renew => Self::Renew,
            Operation::LinkPar => Self::LinkPar,
            Operation::Detokenize => Self::Detokenize,
            Operation::Par => Self::Par,
            Operation::Fingerprint => Self::Fingerprint,
            Operation::Issue => Self::Issue,
            Operation::Verify => Self::Verify,
            Operation::IssueShort => Self::IssueShort,
            Operation::VerifyShort => Self::VerifyShort,
            Operation::ClearShortLock => Self::ClearShortLock,
            Operation::Reseal => Self::Reseal,
            Operation::EmvIssue => Self::EmvIssue,
            Operation::EmvVerify => Self::EmvVerify,
            Operation::EmvArpc => Self::EmvArpc,
            Operation::MakeCardValue => Self::MakeCardValue,
            Operation::VerifyCardValue => Self::VerifyCardValue,
            Operation::HoldCard => Self::HoldCard,
            Operation::ReleaseCard => Self::ReleaseCard,
            Operation::OpenEntry => Self::OpenEntry,
            Operation::EnterCard => Self::EnterCard,
            Operation::CloseEntry => Self::CloseEntry,
        }
    }
}
