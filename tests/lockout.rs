//! Too many bad MACs, too many payments, and refusals that tell nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use support::Rig;
use tallystick::command::{Caller, Command, Refusal, Renew, Role, Roles, TokenView, VerifyShort};
use tallystick::engine::EngineLimits;
use tallystick::types::{Amount, Cryptogram, Currency, Expiry, ShortValue, TokenNumber, Transaction, Trid};

fn paying(units: u64) -> Transaction<'static> {
    let amount = (Amount::from_minor_units(units), Currency::from_code(356).unwrap());
    Transaction { amount: Some(amount), ..Transaction::UNKNOWN }
}

/// The cryptogram with a MAC that is wrong in one bit.
fn forged(cryptogram: Cryptogram, bit: usize) -> Cryptogram {
    let mut bytes = *cryptogram.as_bytes();
    bytes[8 + bit / 8 % 12] ^= 1 << (bit % 8);
    Cryptogram::from_slice(&bytes).unwrap()
}

#[test]
fn ten_bad_macs_lock_across_a_crash_until_their_time_or_an_admin_or_a_renewal() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let other = rig.provision();
    let good: Vec<_> = (0..4).map(|_| rig.issue(token.token, paying(1)).unwrap()).collect();
    let of_other = rig.issue(other.token, paying(1)).unwrap();
    let besiege = |rig: &mut Rig| {
        for bit in 0..10 {
            assert_eq!(rig.verify(&token, paying(1), forged(good[3], bit)), Err(Refusal::BadMac));
            rig.restart();
        }
        // The answer does not depend on the MAC any more.
        assert_eq!(rig.verify(&token, paying(1), forged(good[3], 0)), Err(Refusal::TokenLocked));
        assert_eq!(rig.verify(&token, paying(1), good[3]), Err(Refusal::TokenLocked));
    };
    // A good one between does not give new tries.
    for bit in 0..9 {
        assert_eq!(rig.verify(&token, paying(1), forged(good[3], bit)), Err(Refusal::BadMac));
    }
    assert!(rig.verify(&token, paying(1), good[0]).is_ok());
    assert_eq!(rig.verify(&token, paying(1), forged(good[3], 9)), Err(Refusal::BadMac));
    assert_eq!(rig.verify(&token, paying(1), good[1]), Err(Refusal::TokenLocked));
    // Nobody else is locked, issuing goes on, and nothing that was issued is lost.
    assert!(rig.verify(&other, paying(1), of_other).is_ok());
    assert!(rig.issue(token.token, paying(1)).is_ok());
    rig.now += 899;
    rig.restart();
    assert_eq!(rig.verify(&token, paying(1), good[1]), Err(Refusal::TokenLocked));
    rig.now += 1;
    assert!(rig.verify(&token, paying(1), good[1]).is_ok());
    besiege(&mut rig);
    rig.run(Command::ClearShortLock(token.token)).unwrap();
    rig.restart();
    assert!(rig.verify(&token, paying(1), good[2]).is_ok());
    besiege(&mut rig);
    rig.run(Command::Renew(Renew { token: token.token, expiry: token.expiry })).unwrap();
    rig.restart();
    assert!(rig.verify(&token, paying(1), good[3]).is_ok());
}

#[test]
fn only_what_reaches_the_mac_locks() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let good = rig.issue(token.token, paying(1)).unwrap();
    let wrong = TokenView { expiry: Expiry::parse(b"3001").unwrap(), ..token.clone() };
    for bit in 0..30 {
        assert_eq!(rig.verify(&wrong, paying(1), forged(good, bit)), Err(Refusal::WrongExpiry));
    }
    assert!(rig.verify(&token, paying(1), good).is_ok());
    for _ in 0..30 {
        assert_eq!(rig.verify(&token, paying(1), good), Err(Refusal::Replayed));
    }
    let next = rig.issue(token.token, paying(1)).unwrap();
    assert!(rig.verify(&token, paying(1), next).is_ok());
}

/// Without the role of auditor every refused verification waits for a commit, as
/// one does that counts a miss, and writes as much: so how long it takes says nothing
/// of why.
#[test]
fn every_refusal_that_may_not_be_told_apart_waits_for_a_commit() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let good = rig.issue(token.token, paying(1)).unwrap();
    let spent = rig.issue(token.token, paying(1)).unwrap();
    rig.verify(&token, paying(1), spent).unwrap();
    let unknown = TokenNumber::parse(b"4895370000000000").unwrap();
    let views = [
        (TokenView { token: unknown, ..token.clone() }, good),
        (TokenView { expiry: Expiry::parse(b"3001").unwrap(), ..token.clone() }, good),
        (TokenView { trid: Trid::parse(b"40010000002").unwrap(), ..token.clone() }, good),
        (token.clone(), forged(good, 3)),
        (token.clone(), spent),
        (token.clone(), Cryptogram::from_slice(&[0; 20]).unwrap()),
    ];
    for auditor in [false, true] {
        let roles: &[Role] = if auditor { &[Role::Verifier, Role::Auditor] } else { &[Role::Verifier] };
        rig.caller = Caller::new("shop", Roles::of(roles), None);
        for (view, cryptogram) in &views {
            let before = rig.receipt.newest();
            let why = rig.verify(view, paying(1), *cryptogram).unwrap_err();
            let commits = rig.receipt.newest().0 - before.0;
            assert_eq!(commits, u64::from(!auditor || why == Refusal::BadMac), "{why}");
            assert!(commits == 0 || rig.written == 1, "{why}: {}", rig.written);
            let short = rig.run(Command::VerifyShort(VerifyShort {
                token: view.token,
                expiry: view.expiry,
                trid: view.trid,
                transaction: paying(1),
                value: ShortValue::parse(b"000").unwrap(),
            }));
            assert!(short.is_err());
            let after = rig.receipt.newest().0 - before.0 - commits;
            assert!(auditor || after == 1, "{short:?}");
            assert!(after == 0 || rig.written == 1, "{short:?}: {}", rig.written);
        }
    }
}

/// What is counted against nobody is never counted against somebody.
#[test]
fn refusals_of_an_unknown_token_lock_none() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let good = rig.issue(token.token, paying(1)).unwrap();
    let unknown = TokenView { token: TokenNumber::parse(b"4895370000000000").unwrap(), ..token.clone() };
    rig.caller = Caller::new("shop", Roles::of(&[Role::Verifier]), None);
    for _ in 0..11 {
        assert_eq!(rig.verify(&unknown, paying(1), good), Err(Refusal::UnknownToken));
    }
    rig.restart();
    assert!(rig.verify(&token, paying(1), good).is_ok());
}

#[test]
fn a_token_is_paid_with_as_often_as_it_may_be() {
    let limits = EngineLimits { token_per_minute: std::num::NonZeroU32::new(4), ..EngineLimits::default() };
    let mut rig = Rig::with_limits(limits);
    let (token, other) = (rig.provision(), rig.provision());
    let first = rig.issue(token.token, paying(1)).unwrap();
    let second = rig.issue(token.token, paying(1)).unwrap();
    assert!(rig.verify(&token, paying(1), first).is_ok());
    // What is refused costs nothing.
    assert_eq!(rig.verify(&token, paying(1), first), Err(Refusal::Replayed));
    assert_eq!(rig.verify(&token, paying(2), second), Err(Refusal::BadMac));
    assert!(rig.issue(token.token, paying(1)).is_ok());
    assert_eq!(rig.issue(token.token, paying(1)), Err(Refusal::TokenRateLimited));
    assert_eq!(rig.verify(&token, paying(1), second), Err(Refusal::TokenRateLimited));
    assert!(rig.issue(other.token, paying(1)).is_ok());
    rig.now += 15;
    // It was not consumed by the try before.
    assert!(rig.verify(&token, paying(1), second).is_ok());
    assert_eq!(rig.issue(token.token, paying(1)), Err(Refusal::TokenRateLimited));
}
