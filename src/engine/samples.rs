//! What tests of the engine's parts begin with.

use std::sync::Arc;

use crate::crypto::{PassphraseCost, SystemRandom};
use crate::keys::{Keyring, OpenKeyring};
use crate::secmem::Region;

/// New keys.
pub(super) fn keyring() -> Arc<Keyring> {
    let cost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };
    let passphrase = b"of the engine".to_vec().into();
    let region = Region::new(256).unwrap();
    let keys = OpenKeyring::create(&region, &SystemRandom, &passphrase, cost).unwrap();
    Arc::new(keys.load().unwrap())
}
