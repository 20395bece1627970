//! Compares of MACs, cryptograms, fingerprints, short values and custodians' shares:
//! with what is right, and with what is wrong from its first byte on.

use std::hint::black_box;
use std::time::Instant;

use subtle::ConstantTimeEq;
use tallystick::crypto::{SystemRandom, TransientMac};
use tallystick::cryptogram::native::{Covered, TokenKey};
use tallystick::keys::{Provider, SealedKeyring, ShareError, Splitting};
use tallystick::types::{
    Atc, Binding, Cryptogram, CryptogramHeader, Expiry, Fingerprint, KeyVersion, ShortValue, TimeSlot,
    Transaction,
};

use crate::statistics::Times;
use crate::{Check, support};

/// Samples of each kind.
const SAMPLES: usize = 20_000;
/// Compares in one sample: one alone is shorter than a clock can tell.
const TIMES: usize = 64;

pub fn checks() -> Vec<Check> {
    let bytes: [u8; 32] = std::array::from_fn(|_| fastrand::u8(..));
    vec![
        check("an early exit from 32 bytes", true, bytes, early_exit),
        check("slices by subtle", false, bytes, |a, b| a.ct_eq(b).into()),
        mac(),
        check("fingerprints", false, bytes, |a, b| {
            Fingerprint::from_bytes(*a) == Fingerprint::from_bytes(*b)
        }),
        cryptogram(),
        short_value(),
        verification(),
        share(),
    ]
}

/// What no compare of ours may do.
fn early_exit(a: &[u8; 32], b: &[u8; 32]) -> bool {
    a.iter().zip(b).all(|(a, b)| black_box(*a) == black_box(*b))
}

/// Bytes of the same kind whose first byte is wrong, or all of them are right.
fn check(
    name: &str,
    is_planted: bool,
    right: [u8; 32],
    equal: impl Fn(&[u8; 32], &[u8; 32]) -> bool + 'static,
) -> Check {
    let mut wrong = right;
    wrong[0] ^= 0x55;
    compare(name, is_planted, right, wrong, move |presented| equal(presented, &right))
}

fn mac() -> Check {
    let (one, other) = (TransientMac::new(&[1; 32]), TransientMac::new(&[2; 32]));
    // A MAC is no copy of another: both are made anew for each place.
    let (right, wrong) = (one.mac(&[b"m"]), other.mac(&[b"m"]));
    assert!(right != wrong);
    let expected = one.mac(&[b"m"]);
    let name = "MACs";
    Check {
        name: name.into(),
        is_planted: false,
        differs: Box::new(move || {
            measure(&[&right, &right, &wrong], |presented| *presented == &expected).differ(name)
        }),
    }
}

fn cryptogram() -> Check {
    let (right, wrong) = cryptograms();
    compare("cryptograms", false, right, wrong, move |presented| *presented == right)
}

fn short_value() -> Check {
    let [right, wrong] = [b"123", b"923"].map(|digits| ShortValue::parse(digits).unwrap());
    compare("short values", false, right, wrong, move |presented| presented.ct_eq(&right).into())
}

/// The whole verification of a cryptogram's MAC.
fn verification() -> Check {
    let ((key, header, covered), (right, wrong)) = (fixture(), cryptograms());
    assert!(key.matches(&right, &header, &covered) && !key.matches(&wrong, &header, &covered));
    compare("verifications of cryptograms", false, right, wrong, move |presented| {
        key.matches(presented, &header, &covered)
    })
}

/// The whole check of a custodian's share, beside a commitment that is not its own.
fn share() -> Check {
    /// Where the commitments begin: behind the header, share 1's first.
    const COMMITMENTS: usize = 40;
    let mut keys = support::new_keys();
    let shares = keys.enclose_by_custodians(&SystemRandom, 2, 3).unwrap();
    let right = keys.seal(&SystemRandom).unwrap().to_bytes();
    let mut wrong = right.clone();
    wrong[COMMITMENTS] ^= 0x55;
    let splittings = [&right, &right, &wrong].map(|bytes| splitting(bytes));
    let [right, again, wrong] = splittings.each_ref().map(|splitting| splitting.check(&shares[0]));
    assert!(right.is_ok() && again.is_ok());
    assert!(matches!(wrong, Err(ShareError::Wrong(1))));
    let name = "shares";
    Check {
        name: name.into(),
        is_planted: false,
        differs: Box::new(move || {
            let kinds = splittings.each_ref();
            measure(&kinds, |presented| presented.check(&shares[0]).is_ok()).differ(name)
        }),
    }
}

fn splitting(keyring: &[u8]) -> Splitting {
    match SealedKeyring::from_bytes(keyring).unwrap().provider() {
        Provider::Custodians(splitting) => splitting.clone(),
        other => panic!("{other:?}"),
    }
}

/// One that is right, and one whose MAC is wrong from its first byte on.
fn cryptograms() -> (Cryptogram, Cryptogram) {
    let (key, header, covered) = fixture();
    let right = key.cryptogram(&header, &covered).unwrap();
    let mut bytes = *right.as_bytes();
    bytes[8..].iter_mut().for_each(|byte| *byte ^= 0x55);
    (right, Cryptogram::from_slice(&bytes).unwrap())
}

fn fixture() -> (TokenKey, CryptogramHeader, Covered<'static>) {
    let header = CryptogramHeader {
        binding: Binding::NONE,
        key_version: KeyVersion::FIRST,
        atc: Atc::new(7).unwrap(),
        slot: TimeSlot::new(9),
    };
    let expiry = Expiry::parse(b"2912").unwrap();
    let covered = Covered { trid: support::trid(), expiry, transaction: Transaction::UNKNOWN };
    (TokenKey::from_bytes(&[3; 32]), header, covered)
}

fn compare<T: Copy + 'static>(
    name: &str,
    is_planted: bool,
    right: T,
    wrong: T,
    equal: impl Fn(&T) -> bool + 'static,
) -> Check {
    let told = name.to_owned();
    let differs = Box::new(move || measure(&[right, right, wrong], &equal).differ(&told));
    Check { name: name.to_owned(), is_planted, differs }
}

/// Compares what is right, right again and wrong, in turns drawn at random.
fn measure<T: Copy>(kinds: &[T; 3], equal: impl Fn(&T) -> bool) -> Times {
    let mut times = Times::default();
    // All are compared at one place, so that no cache knows one better.
    let mut place = kinds[0];
    for _ in 0..SAMPLES * 3 {
        let kind = fastrand::usize(..3);
        place = black_box(kinds[kind]);
        let begun = Instant::now();
        for _ in 0..TIMES {
            black_box(equal(black_box(&place)));
        }
        let took = f64::from(u32::try_from(begun.elapsed().as_nanos()).unwrap_or(u32::MAX));
        [&mut times.one, &mut times.again, &mut times.other][kind].push(took);
    }
    black_box(place);
    times
}
