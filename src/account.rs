//! What belongs to a card's account: PAR, fingerprint, token number, masks.

mod fingerprint;
mod mask;
mod par;
mod self_test;
mod token_number;

pub use fingerprint::fingerprint;
pub use mask::{mask_four_eight_four, mask_last_four};
pub use par::{BinController, BinControllerError, par};
pub use self_test::self_test;
pub use token_number::{RangeError, TokenRange, TokenRangeError};
