//! The field's nouns as types: private fields, made only by parsing, so that a
//! value that exists is a value that is valid.
//!
//! Nothing here does I/O or cryptography. A [`Pan`] is the only secret of the
//! room; everything else may be shown.

mod binding;
mod card_value;
mod counters;
mod cryptogram;
mod domain;
pub mod emv;
mod entry;
mod evidence;
mod expiry;
mod fingerprint;
mod idempotency;
mod key_label;
mod keys;
mod money;
mod network;
mod pan;
mod par;
mod status;
mod text;
mod time;
mod token_number;
mod transaction;
mod trid;

pub use binding::{Binding, BindingError};
pub use card_value::{CardValue, CardValueError, CardValueKind, DateOrder, ServiceCode};
pub use counters::{Atc, Consumption, CounterExhausted, Counters};
pub use cryptogram::{Cryptogram, CryptogramError, CryptogramHeader, ShortValue, ShortValueError};
pub use domain::{Channel, ChannelError, Channels, Domain};
pub use entry::{CardHandle, EntrySeconds, EntrySession, HoldSeconds, Seconds};
pub use evidence::{AuthReference, Consent, Evidence, EvidenceError};
pub use expiry::{Expiry, ExpiryError};
pub use fingerprint::Fingerprint;
pub use idempotency::{IdempotencyKey, IdempotencyKeyError};
pub use key_label::KeyLabel;
pub use keys::{KeyVersion, KeyVersionError};
pub use money::{Amount, Currency, CurrencyError};
pub use network::Network;
pub use pan::{Pan, PanError, luhn_check_digit, luhn_valid};
pub use par::{Par, ParError};
pub use status::{DeactivationReason, ProviderStates, ProviderStatus, StatusError, StatusEvent, TokenStatus};
pub use text::{Merchant, ProviderName, Reference, TextError};
pub use time::{TimeSlot, UnixTime};
pub use token_number::{TokenNumber, TokenNumberError};
pub use transaction::{Transaction, UnpredictableNumber};
pub use trid::{Trid, TridError};
