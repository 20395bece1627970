//! Versions of keys, and keys of another keyring.

use super::*;

#[test]
fn retiring_keys_verify_and_destroyed_ones_do_not() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let [old, older] = [0; 2].map(|_| rig.issue(token.token, paying(1)).unwrap());
    rig.keys
        .rotate(
            &SystemRandom,
            KeyPurpose::TokenDerivation,
            tallystick::types::UnixTime::from_seconds(rig.now),
        )
        .unwrap();
    rig.reload_keys();
    assert_eq!(rig.verify(&token, paying(1), old), Ok(1));
    let new = rig.issue(token.token, paying(1)).unwrap();
    assert_eq!(new.header().unwrap().key_version.get(), 2);
    rig.keys.destroy(KeyPurpose::TokenDerivation, KeyVersion::FIRST).unwrap();
    rig.reload_keys();
    assert_eq!(rig.verify(&token, paying(1), older), Err(Refusal::KeyVersion));
    assert_eq!(rig.verify(&token, paying(1), new), Ok(3));
}

#[test]
fn a_retiring_key_verifies_for_its_grace_and_no_longer() {
    const GRACE: u64 = 7200;
    let mut rig = Rig::with_limits(EngineLimits { key_grace_seconds: GRACE, ..EngineLimits::default() });
    let token = rig.provision();
    let old = [0; 3].map(|_| rig.issue(token.token, paying(1)).unwrap());
    let [first, second] = [0; 2].map(|_| issue_short(&mut rig, token.token));
    let now = tallystick::types::UnixTime::from_seconds(rig.now);
    rig.keys.rotate(&SystemRandom, KeyPurpose::TokenDerivation, now).unwrap();
    rig.reload_keys();
    rig.now += GRACE - 1;
    assert_eq!(rig.verify(&token, paying(1), old[0]), Ok(1));
    assert!(verify_short(&mut rig, token.token, first.value.as_bytes()).is_ok());
    rig.now += 1;
    assert_eq!(rig.verify(&token, paying(1), old[1]), Err(Refusal::KeyVersion));
    let missed = verify_short(&mut rig, token.token, second.value.as_bytes()).unwrap_err();
    assert_eq!(missed, Refusal::ShortMismatch);
    let new = rig.issue(token.token, paying(1)).unwrap();
    assert!(rig.verify(&token, paying(1), new).is_ok());
    // The clock put back, it is in its grace again: nothing was destroyed.
    rig.now -= 1;
    assert_eq!(rig.verify(&token, paying(1), old[2]), Ok(3));
}

/// Each version has a grace of its own: an older one's end is not a newer one's.
#[test]
fn of_two_retiring_keys_the_one_within_its_grace_verifies() {
    const GRACE: u64 = 7200;
    let mut rig = Rig::with_limits(EngineLimits { key_grace_seconds: GRACE, ..EngineLimits::default() });
    let token = rig.provision();
    let [oldest, old] = [0; 2].map(|_| {
        let issued = rig.issue(token.token, paying(1)).unwrap();
        let now = UnixTime::from_seconds(rig.now);
        rig.keys.rotate(&SystemRandom, KeyPurpose::TokenDerivation, now).unwrap();
        rig.reload_keys();
        rig.now += GRACE / 2;
        issued
    });
    assert_eq!(rig.verify(&token, paying(1), oldest), Err(Refusal::KeyVersion));
    assert_eq!(rig.verify(&token, paying(1), old), Ok(2));
}

#[test]
fn another_keyring_does_not_open_the_store() {
    let mut rig = Rig::new();
    let token = rig.provision();
    rig.issue(token.token, paying(1)).unwrap();
    let foreign = std::sync::Arc::new(support::new_keys().load().unwrap());
    let opened = support::open(&rig.disk, &foreign, rig.limits, rig.now);
    let refused = opened.map(drop).unwrap_err().to_string();
    assert!(refused.contains("belongs to another keyring"), "{refused}");
}
