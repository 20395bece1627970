//! The application cryptogram itself (EMV Book 2, section 8.1, Annex A1.2).

use super::key::Expanded;
use super::{DerivedKey, EmvError};
use crate::crypto::{BlockCipher, Padding};
use crate::types::emv::{AcMac, Arqc};

/// The cryptogram of the parts, one after the other, under a session's key. ARQC, TC and
/// AAC are made alike. The caller wipes the stack.
///
/// # Errors
/// [`EmvError::Algorithm`] if the key is of another cipher than the MAC.
pub fn application_cryptogram(session: &DerivedKey, mac: AcMac, parts: &[&[u8]]) -> Result<Arqc, EmvError> {
    let bytes = match (mac, session.expand()?) {
        (AcMac::Method1, Expanded::Tdes(pair)) => pair.retail_mac(parts, Padding::Method1),
        (AcMac::Method2, Expanded::Tdes(pair)) => pair.retail_mac(parts, Padding::Method2),
        (AcMac::AesCmac, Expanded::Aes(cipher)) => {
            let [a, b, c, d, e, f, g, h, ..] = cipher.cmac(parts);
            [a, b, c, d, e, f, g, h]
        }
        _ => return Err(EmvError::Algorithm),
    };
    Ok(Arqc::from_bytes(bytes))
}
