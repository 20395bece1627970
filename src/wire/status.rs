//! The status of a reply: the one place where refusals become wire codes.

mod refusal;

use std::fmt;

use crate::command::Refusal;

macro_rules! statuses {
    ($($name:ident = $code:literal $text:literal $says:literal,)+) => {
        /// How a request ended. The high byte groups: 0x01 frames, 0x02 fields,
        /// 0x03 authority, 0x04 state, 0x05 cryptograms, 0x06 service.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Status {
            $(#[doc = $says] $name,)+
        }

        impl Status {
            /// Every status, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The code on the wire.
            #[must_use]
            pub const fn code(self) -> u16 {
                match self { $(Self::$name => $code,)+ }
            }

            /// The status with this code.
            #[must_use]
            pub const fn from_code(code: u16) -> Option<Self> {
                match code { $($code => Some(Self::$name),)+ _ => None }
            }

            /// The name in metrics, JSON output and documents.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)+ }
            }

            /// What it says to a person.
            #[must_use]
            pub const fn says(self) -> &'static str {
                match self { $(Self::$name => $says,)+ }
            }
        }
    };
}

statuses! {
    Ok = 0x0000 "ok" "done",
    FrameTooShort = 0x0101 "frame_too_short" "a frame is shorter than its header",
    FrameTooLarge = 0x0102 "frame_too_large" "the frame is larger than agreed",
    UnknownOpcode = 0x0103 "unknown_opcode" "no operation has this opcode",
    ReservedBits = 0x0104 "reserved_bits" "a reserved bit or byte is not zero",
    WrongVersion = 0x0105 "wrong_version" "no offered protocol version is spoken here",
    HelloExpected = 0x0106 "hello_expected" "the first frame must be HELLO",
    HelloRepeated = 0x0107 "hello_repeated" "HELLO comes once",
    DuplicateRequestId = 0x0108 "duplicate_request_id" "the request id was used just before",
    RequestOutOfOrder = 0x0109 "request_out_of_order" "request ids must grow",
    BodyTruncated = 0x010a "body_truncated" "the body ends early",
    BodyTrailing = 0x010b "body_trailing" "the body goes on too long",
    BodyMalformed = 0x010c "body_malformed" "the body is not of its operation's form",
    FieldMissing = 0x010d "field_missing" "a field is missing",
    FieldUnknown = 0x010e "field_unknown" "a field is not known to this operation",
    FieldRepeated = 0x010f "field_repeated" "a field stands twice",
    NotCanonical = 0x0110 "not_canonical" "a field that is not bound must be zero",
    BatchSize = 0x0111 "batch_size" "a batch has 1 to 1,024 items",
    ReplyTooLarge = 0x0112 "reply_too_large" "the reply does not fit the largest frame: ask for less",
    PanLength = 0x0201 "pan_length" "a PAN has 12 to 19 digits",
    PanNotDigits = 0x0202 "pan_not_digits" "a PAN holds digits only",
    PanLuhn = 0x0203 "pan_luhn" "the PAN fails the Luhn check",
    ExpiryMalformed = 0x0204 "expiry_malformed" "an expiry is YYMM with a month of 01 to 12",
    TridMalformed = 0x0205 "trid_malformed" "a TRID has 11 digits",
    TokenMalformed = 0x0206 "token_malformed" "a token number has 12 to 19 digits",
    CryptogramLength = 0x0207 "cryptogram_length" "a cryptogram has 20 bytes",
    ShortValueMalformed = 0x0208 "short_value_malformed" "a dynamic verification value has 3 or 4 digits",
    BindingMalformed = 0x0209 "binding_malformed" "binding bits are 1, 2, 4 and 8",
    ChannelMalformed = 0x020a "channel_malformed" "a channel is 0 to 3, a set of channels 1 to 15",
    CurrencyMalformed = 0x020b "currency_malformed" "a currency is an ISO 4217 numeric code, 1 to 999",
    MerchantMalformed = 0x020c "merchant_malformed" "a merchant has 1 to 255 printable characters",
    IdempotencyKeyMalformed = 0x020d "idempotency_key_malformed" "an idempotency key has 1 to 64 bytes",
    ConsentMissing = 0x020e "consent_missing" "a card is saved only with the cardholder's consent",
    EvidenceMissing = 0x020f "evidence_missing" "a card is saved only with authentication evidence: provider and reference",
    AuthReferenceMalformed = 0x0210 "auth_reference_malformed" "an authentication reference number has 1 to 26 printable characters",
    AuthReferenceRequired = 0x0211 "auth_reference_required" "RuPay demands an authentication reference number",
    ParMalformed = 0x0212 "par_malformed" "a PAR has 1 to 64 printable characters",
    ProviderMalformed = 0x0213 "provider_malformed" "a provider's name has 1 to 32 of a-z, 0-9, - and _; at most 8 are named, each once",
    EventMalformed = 0x0214 "event_malformed" "an event is suspend, resume or deactivate with its reason",
    LimitMalformed = 0x0215 "limit_malformed" "a page has 1 to 100 tokens",
    IdempotencyKeyNotAllowed = 0x0216 "idempotency_key_not_allowed" "an operation that changes nothing takes no idempotency key",
    EvidenceMalformed = 0x0217 "evidence_malformed" "authentication provider and reference have 1 to 64 printable characters",
    PositionMalformed = 0x0218 "position_malformed" "a position in a list is a number below 4,294,967,296",
    NameMalformed = 0x0219 "name_malformed" "a client's name has 1 to 64 printable characters",
    KeyLabelMalformed = 0x021a "key_label_malformed" "a key's label has 1 to 32 of a-z, 0-9 and -",
    ComponentMalformed = 0x021b "component_malformed" "a component has as many bytes as its key",
    PsnMalformed = 0x021c "psn_malformed" "a PAN sequence number has 2 digits",
    MethodMalformed = 0x021d "method_malformed" "no profile or scheme of application cryptograms has this name",
    EmvDataMalformed = 0x021e "emv_data_malformed" "EMV data is BER-TLV, each tag once and of its length",
    EmvDataMissing = 0x021f "emv_data_missing" "the EMV data lacks what the cryptogram covers, or holds what the engine adds",
    ArqcMalformed = 0x0220 "arqc_malformed" "an application cryptogram has 8 bytes",
    AnswerMalformed = 0x0221 "answer_malformed" "an answer is a code of 2 bytes, or a status update of 4 with up to 8 of proprietary data",
    ServiceCodeMalformed = 0x0222 "service_code_malformed" "a service code has 3 digits; CVV2 and iCVV have their own",
    CardValueMalformed = 0x0223 "card_value_malformed" "a card verification value has 3 digits",
    HandleMalformed = 0x0224 "handle_malformed" "the name of a held card or an entry session has 16 bytes",
    SecondsMalformed = 0x0225 "seconds_malformed" "a card is held for 1 to 3,600 seconds, an entry session for 1 to 86,400",
    CiphertextMalformed = 0x0226 "ciphertext_malformed" "an encrypted card has 256 bytes",
    PeerUnknown = 0x0301 "peer_unknown" "the configuration names no such peer",
    RoleMissing = 0x0302 "role_missing" "the caller has no role for this operation",
    TridNotAllowed = 0x0303 "trid_not_allowed" "the caller may not act for this TRID",
    AdminSocketOnly = 0x0304 "admin_socket_only" "this operation is served on the admin socket only",
    RateLimited = 0x0305 "rate_limited" "the caller asks more often than it may; try again later",
    ShareMalformed = 0x0310 "share_malformed" "the share was mistyped: its checksum does not fit",
    ShareOfAnother = 0x0311 "share_of_another" "the share belongs to another keyring, or to older shares of this one",
    ShareWrong = 0x0312 "share_wrong" "the share has a number that was made, and another value",
    ShareGiven = 0x0313 "share_given" "the share was given already",
    OpenerWrong = 0x0314 "opener_wrong" "the passphrase or wrapping key does not open the keyring",
    OpenerUnfit = 0x0315 "opener_unfit" "the keyring is opened by something else: passphrase, custodians or device",
    ProposalUnknown = 0x0316 "proposal_unknown" "there is no such proposal: it expired, was withdrawn or is done",
    ProposalOwn = 0x0317 "proposal_own" "an admin cannot approve its own proposal",
    ProposalOpen = 0x0318 "proposal_open" "another admin must approve the proposal first",
    ProposalOfAnother = 0x0319 "proposal_of_another" "only the admin who proposed it may carry it out",
    KeyNotRetiring = 0x031a "key_not_retiring" "no retiring key has this purpose and version",
    KeyInGrace = 0x031b "key_in_grace" "the key's grace is not over",
    KeyNeeded = 0x031c "key_needed" "what is stored still needs the key",
    KeyLabelTaken = 0x031d "key_label_taken" "there is a key of this label",
    KeyRefused = 0x031e "key_refused" "the key block or its key is refused: the log tells why",
    KeyNotExportable = 0x031f "key_not_exportable" "the key may not leave",
    KeyLimit = 0x0320 "key_limit" "the keyring holds as many imported keys as it may",
    ComponentsMissing = 0x0321 "components_missing" "components of the key are missing",
    ComponentGiven = 0x0322 "component_given" "a custodian gives one component",
    KeyCheckValue = 0x0323 "key_check_value" "the components make another key than its check value says",
    ExpiryPast = 0x0401 "expiry_past" "the expiry has passed",
    NoTokenRange = 0x0402 "no_token_range" "no token BIN range is configured for this card",
    TokenRangeFull = 0x0403 "token_range_full" "the token BIN range is full",
    TokenLimit = 0x0404 "token_limit" "the engine holds as many tokens as it may",
    UnknownToken = 0x0405 "unknown_token" "no token has this number",
    TokenInitiated = 0x0406 "token_initiated" "the token is not active yet",
    TokenSuspended = 0x0407 "token_suspended" "the token is suspended",
    TokenDeactivated = 0x0408 "token_deactivated" "the token is deactivated",
    TokenExpired = 0x0409 "token_expired" "the token has expired",
    WrongTrid = 0x040a "wrong_trid" "the TRID is not the token's",
    UnknownProvider = 0x040b "unknown_provider" "the token does not stand at that provider",
    TooManyProviders = 0x040c "too_many_providers" "the token stands at as many providers as it may",
    ParConflict = 0x040d "par_conflict" "the PAN is already linked to another PAR",
    IdempotencyConflict = 0x040e "idempotency_conflict" "the idempotency key was used with another request",
    CounterExhausted = 0x040f "counter_exhausted" "the token or card has issued its last counter",
    RevisionExhausted = 0x0410 "revision_exhausted" "the token was changed as often as it may be: deactivate it",
    UnknownKey = 0x0411 "unknown_key" "no imported key has this label",
    KeyPurpose = 0x0412 "key_purpose" "the key is for something else, or of another algorithm",
    CardLimit = 0x0413 "card_limit" "the engine knows as many cards as it may",
    CounterOfChip = 0x0414 "counter_of_chip" "the card's chip counts by itself",
    UnknownHold = 0x0415 "unknown_hold" "no card is held under this handle",
    UnknownEntry = 0x0416 "unknown_entry" "there is no such entry session: it ended, was used, or never was",
    HoldLimit = 0x0417 "hold_limit" "as many cards are held as may be",
    EntryLimit = 0x0418 "entry_limit" "as many entry sessions are open as may be",
    EntryRefused = 0x0419 "entry_refused" "what was entered is no card that was encrypted for this session",
    Refused = 0x0501 "refused" "the cryptogram is refused",
    CryptogramFormat = 0x0502 "cryptogram_format" "the cryptogram has an unknown format",
    KeyVersion = 0x0503 "key_version" "the cryptogram's key version is unknown or destroyed",
    WrongExpiry = 0x0504 "wrong_expiry" "the expiry is not the token's",
    DomainMerchant = 0x0505 "domain_merchant" "the token may not be used at this merchant",
    DomainChannel = 0x0506 "domain_channel" "the token may not be used through this channel",
    BindingDemanded = 0x0507 "binding_demanded" "the token demands that more of the transaction is bound",
    BindingMismatch = 0x0508 "binding_mismatch" "the cryptogram binds data that the transaction lacks",
    BadMac = 0x0509 "bad_mac" "the cryptogram's MAC is wrong",
    TooOld = 0x050a "too_old" "the cryptogram is too old",
    FromFuture = 0x050b "from_future" "the cryptogram's time lies in the future",
    NeverIssued = 0x050c "never_issued" "the cryptogram's counter was never issued",
    Replayed = 0x050d "replayed" "the cryptogram was accepted before",
    BehindWindow = 0x050e "behind_window" "the cryptogram's counter lies behind the replay window",
    ShortMismatch = 0x050f "short_mismatch" "the dynamic verification value does not match",
    ShortLocked = 0x0510 "short_locked" "the token's dynamic verification values are locked",
    TokenLocked = 0x0511 "token_locked" "the token's cryptograms are locked after too many bad MACs",
    TokenRateLimited = 0x0512 "token_rate_limited" "the token was paid with as often as it may be for now",
    CardValueMismatch = 0x0513 "card_value_mismatch" "the card verification value is wrong",
    CardLocked = 0x0514 "card_locked" "the card is locked after too many misses",
    Busy = 0x0601 "busy" "a limit is reached; try again later",
    Stopped = 0x0602 "stopped" "the engine has stopped; whether the request was done is not known",
    StorageFull = 0x0603 "storage_full" "the disk is full: nothing new is taken on until there is room",
    Unanchored = 0x0604 "unanchored" "the anchor cannot be written: nothing new is taken on until it can",
    GoingAway = 0x0605 "going_away" "the daemon is stopping; nothing that it has not answered was done",
    Sealed = 0x0610 "sealed" "no key is in memory: the daemon must be unsealed first",
    Unsealed = 0x0611 "unsealed" "the keys are in memory already",
    UnsealFailed = 0x0612 "unseal_failed" "the daemon cannot serve with this keyring or store; its log says why",
    AuditUnwritable = 0x0618 "audit_unwritable" "the audit log cannot be written: nothing new is taken on until it can",
    Unrecorded = 0x0619 "unrecorded" "it may be done, and could not be recorded: its answer is withheld",
    NoBackup = 0x061a "no_backup" "no backup was begun on this connection, or it is at its end",
    StoreShared = 0x061b "store_shared" "the store is a database that nodes share: it is backed up by its own means",
}

impl Status {
    /// The status of a refused verification for a caller who may not learn why:
    /// one code for everything that tells something of the cryptogram or token.
    #[must_use]
    pub fn for_non_auditor(refusal: Refusal) -> Self {
        if refusal.is_of_cryptogram() { Self::Refused } else { refusal.into() }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.says())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_apart_and_come_back() {
        let mut names = std::collections::BTreeSet::new();
        for status in Status::ALL {
            assert_eq!(Status::from_code(status.code()), Some(*status));
            assert!(names.insert(status.name()));
        }
        assert!(Status::ALL.is_sorted_by_key(|status| status.code()));
        assert_eq!(Status::from_code(0xffff), None);
    }

    #[test]
    fn a_name_is_its_variant_in_snake_case() {
        for status in Status::ALL {
            let mut snake = String::new();
            for letter in format!("{status:?}").chars() {
                if letter.is_ascii_uppercase() && !snake.is_empty() {
                    snake.push('_');
                }
                snake.push(letter.to_ascii_lowercase());
            }
            assert_eq!(status.name(), snake);
        }
    }
}
