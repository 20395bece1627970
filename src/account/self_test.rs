//! The start-up self-test of PAR and fingerprint.

use super::{BinController, fingerprint, par};
use crate::crypto::{LoadedKey, SelfTestError};
use crate::secmem::Region;
use crate::types::Pan;

/// Known answers computed with the Python standard library, of a test number.
const PAN: &[u8] = b"342528219673073";
const PAR_KEY: [u8; 32] = [
    0xff, 0x6d, 0x3a, 0x3a, 0x09, 0x10, 0xd0, 0xe3, 0x3a, 0x17, 0x08, 0x00, 0x83, 0x33, 0x80, 0x9c, 0x52,
    0xbe, 0x1b, 0x33, 0xae, 0xac, 0x4d, 0xd3, 0x2e, 0x8e, 0x2c, 0xe0, 0x32, 0x3c, 0x1a, 0x19,
];
const PAR: &str = "TLY1WL2BAEX1FOEL35BEGCGOAZTKT";
const FINGERPRINT_KEY: [u8; 32] = [
    0x24, 0x13, 0x48, 0x66, 0xd4, 0x9b, 0x70, 0x91, 0x29, 0x24, 0x87, 0x9d, 0xe6, 0xfd, 0x8b, 0xdc, 0xd8,
    0x7e, 0x0f, 0xbb, 0x36, 0x57, 0x4d, 0x4d, 0xe8, 0x55, 0x03, 0x06, 0xd4, 0xc1, 0xa7, 0xf3,
];
const FINGERPRINT: [u8; 32] = [
    0x6b, 0x0a, 0x2b, 0x27, 0x3e, 0xe7, 0x9e, 0x03, 0x67, 0x26, 0xe1, 0x63, 0x68, 0xee, 0x9b, 0x96, 0x3c,
    0x93, 0x4d, 0x9d, 0x6a, 0xd7, 0xb1, 0xa1, 0xfa, 0x5d, 0x46, 0xba, 0x3e, 0x32, 0xa7, 0x93,
];

/// Derives one known PAR and one known fingerprint.
///
/// # Errors
/// [`SelfTestError`] names what failed.
pub fn self_test(region: &Region) -> Result<(), SelfTestError> {
    let [mut other_key, good_key] = [PAR_KEY; 2];
    let [first, ..] = &mut other_key;
    *first ^= 1;
    let derived = |key: &[u8; 32]| {
        let key = LoadedKey::from_bytes(region, key).ok()?;
        par(&key, BinController::parse("TLY1").ok()?, &Pan::parse(PAN).ok()?)
    };
    let known = |par: Option<crate::types::Par>| par.is_some_and(|par| par.as_str() == PAR);
    if !known(derived(&good_key)) || known(derived(&other_key)) {
        return Err(SelfTestError("PAR"));
    }
    let derived = LoadedKey::from_bytes(region, &FINGERPRINT_KEY)
        .ok()
        .zip(Pan::parse(PAN).ok())
        .map(|(key, pan)| *fingerprint(&key, &pan).as_bytes());
    if derived != Some(FINGERPRINT) {
        return Err(SelfTestError("fingerprint"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_here() {
        assert_eq!(self_test(&Region::new(8).unwrap()), Ok(()));
    }
}
