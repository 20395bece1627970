//! The application cryptogram itself (EMV Book 2, section 8.1, Annex A1.2).

use super::key::Expanded;
use super::{DerivedKey, EmvError};
use crate::crypto::{BlockCipher, Padding};
use crate::types::emv::Arqc;

/// The MAC that a cryptogram is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcMac {
    /// ISO/IEC 9797-1, MAC algorithm 3 with DES (A1.2.1). EMV has padding method 2;
    /// Visa's oldest profile method 1.
    Iso9797(Padding),
    /// The first 8 bytes of AES-CMAC (A1.2.2).
    AesCmac,
}

/// The cryptogram of the parts, one after the other, under a session's key. ARQC, TC and
/// AAC are made alike. The caller wipes the stack.
///
/// # Errors
/// [`EmvError::Algorithm`] if the key is of another cipher than the MAC.
pub fn application_cryptogram(session: &DerivedKey, mac: AcMac, parts: &[&[u8]]) -> Result<Arqc, EmvError> {
    let bytes = match (mac, session.expand()?) {
        (AcMac::Iso9797(padding), Expanded::Tdes(pair)) => pair.retail_mac(parts, padding),
        (AcMac::AesCmac, Expanded::Aes(cipher)) => {
            let [a, b, c, d, e, f, g, h, ..] = cipher.cmac(parts);
            [a, b, c, d, e, f, g, h]
        }
        _ => return Err(EmvError::Algorithm),
    };
    Ok(Arqc::from_bytes(bytes))
}
