//! The fingerprint of a card.

use crate::crypto::{FingerprintDerivation, LoadedKey};
use crate::types::{Fingerprint, Pan};

const LABEL: &[u8] = b"tallystick/v1/fingerprint";

/// `HMAC-SHA-256(FPK, "tallystick/v1/fingerprint" || PAN digits)`: from the PAN
/// alone, never from expiry or token.
#[must_use]
pub fn fingerprint(key: &LoadedKey<FingerprintDerivation>, pan: &Pan) -> Fingerprint {
    Fingerprint::from_bytes(*key.mac_state().mac(&[LABEL, pan.expose_digits()]).as_bytes())
}
