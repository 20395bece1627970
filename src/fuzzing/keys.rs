//! Keys that live as long as the process.

use std::sync::{Arc, OnceLock};

use crate::crypto::{KeyAlgorithm, KeyPurpose, PassphraseCost, SystemRandom};
use crate::keys::tr31::Exportability;
use crate::keys::{CheckMethod, CheckValue, Components, ImportError, Keyring, OpenKeyring};
use crate::secmem::Region;
use crate::types::KeyLabel;

/// A cost that each execution can pay.
pub(super) const CHEAP: PassphraseCost = PassphraseCost { memory_kib: 8, passes: 1, lanes: 1 };

/// The bytes of every imported key. They are no secret, so that a seed has cryptograms
/// that are right.
pub const IMPORTED_KEY: [u8; 16] = *b"for fuzzing only";

/// The imported keys, as the examples of `docs/WIRE.md` name them.
const IMPORTED: [(&str, KeyPurpose, KeyAlgorithm); 3] = [
    ("cvk-1", KeyPurpose::CardVerification, KeyAlgorithm::Tdes2),
    ("imk-aes", KeyPurpose::EmvIssuerMaster, KeyAlgorithm::Aes128),
    ("imk-visa", KeyPurpose::EmvIssuerMaster, KeyAlgorithm::Tdes2),
];

/// Locked memory, where there is any.
pub(super) fn region() -> Option<&'static Region> {
    static REGION: OnceLock<Option<Region>> = OnceLock::new();
    REGION.get_or_init(|| Region::new(256).ok()).as_ref()
}

/// A keyring, drawn anew in each process: what is found must not hang on its keys, but for
/// the imported ones.
pub(super) fn keyring() -> Option<&'static Arc<Keyring>> {
    static KEYRING: OnceLock<Option<Arc<Keyring>>> = OnceLock::new();
    let make = || {
        let passphrase = b"for fuzzing only".to_vec().into();
        let mut keys = OpenKeyring::create(region()?, &SystemRandom, &passphrase, CHEAP).ok()?;
        for (label, purpose, algorithm) in IMPORTED {
            import(&mut keys, region()?, KeyLabel::parse(label).ok()?, purpose, algorithm).ok()?;
        }
        Some(Arc::new(keys.load().ok()?))
    };
    KEYRING.get_or_init(make).as_ref()
}

/// In two components.
fn import(
    keys: &mut OpenKeyring,
    region: &Region,
    label: KeyLabel,
    purpose: KeyPurpose,
    algorithm: KeyAlgorithm,
) -> Result<(), ImportError> {
    let check = |key: &[u8]| CheckValue::of(algorithm, CheckMethod::of(algorithm), key);
    let mut components = Components::new(region, algorithm)?;
    for part in [[0x55; 16], IMPORTED_KEY.map(|byte| byte ^ 0x55)] {
        components.give(&part, check(&part)?)?;
    }
    let check = check(&IMPORTED_KEY)?;
    keys.import_components(&SystemRandom, label, purpose, Exportability::No, &components, check).map(drop)
}
