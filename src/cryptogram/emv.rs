//! Application cryptograms of EMV cards (EMV 4.3 Book 2, sections 8.1 and 8.2, Annexes
//! A1.2 to A1.4), and the profiles of networks that are built of them.
//!
//! What stands between the issuer's key and the answer, the keys of a card and of a
//! session, is there on the stack of the thread at work only, which is wiped.

mod ac;
mod arpc;
mod error;
mod icc;
mod key;
mod method;
mod profile;
mod session;

pub use crate::types::emv::{AcMac, IccOption, Method, Profile, Scheme, Session, TreeShape};
pub use ac::application_cryptogram;
pub use arpc::{Response, arpc1, arpc2};
pub use error::EmvError;
pub use key::{Card, DerivedKey, IssuerMaster};
pub use method::Input;
pub use session::{common_aes, common_tdes};

#[cfg(test)]
mod residue;
