//! What an EMV card and a terminal say of a transaction, by tags (EMV Book 3, Annex A).
//!
//! The account number has no place here: a PAN stands in a [`Pan`](super::Pan).

mod data;
mod method;
mod tag;
mod tlv;
mod values;

pub use data::EmvData;
pub use method::{AcMac, IccOption, Method, Profile, Scheme, Session, TreeShape};
pub use tag::Tag;
pub use tlv::{EmvDataError, MAX_DATA, MAX_OBJECTS};
pub use values::{Arpc, Arqc, Atc, Psn, PsnError};

use thiserror::Error;

/// No profile or scheme has this name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("no profile or scheme of application cryptograms has this name")]
pub struct UnknownMethod;
