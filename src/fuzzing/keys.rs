//! Keys that live as long as the process.

use std::sync::{Arc, OnceLock};

use crate::crypto::{PassphraseCost, SystemRandom};
use crate::keys::{Keyring, OpenKeyring};
use crate::secmem::Region;

/// A cost that each execution can pay.
pub(super) const CHEAP: PassphraseCost = PassphraseCost { memory_kib: 8, passes: 1, lanes: 1 };

/// Locked memory, where there is any.
pub(super) fn region() -> Option<&'static Region> {
    static REGION: OnceLock<Option<Region>> = OnceLock::new();
    REGION.get_or_init(|| Region::new(128).ok()).as_ref()
}

/// A keyring, drawn anew in each process: what is found must not hang on its keys.
pub(super) fn keyring() -> Option<&'static Arc<Keyring>> {
    static KEYRING: OnceLock<Option<Arc<Keyring>>> = OnceLock::new();
    let make = || {
        let passphrase = b"for fuzzing only".to_vec().into();
        let keys = OpenKeyring::create(region()?, &SystemRandom, &passphrase, CHEAP).ok()?;
        Some(Arc::new(keys.load().ok()?))
    };
    KEYRING.get_or_init(make).as_ref()
}
