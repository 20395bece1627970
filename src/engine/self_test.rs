//! Everything that must come out right before the engine serves.

use super::EngineError;
use crate::secmem::Region;
use crate::{account, crypto, cryptogram, keys};

/// Runs the known answers of primitives and native formats.
///
/// # Errors
/// [`EngineError::SelfTest`] names the first that failed;
/// [`EngineError::Crypto`] if there is no locked memory.
pub fn self_test() -> Result<(), EngineError> {
    let region = Region::new(4).map_err(crypto::CryptoError::from)?;
    crypto::self_test()?;
    cryptogram::self_test(&region)?;
    account::self_test(&region)?;
    keys::self_test()?;
    Ok(())
}
