//! Too many bad MACs, too many payments, and refusals that tell nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeSet;

use support::{PAN, Rig, card, token_of, trid};
use tallystick::command::{
    Caller, Command, Issue, IssueShort, Provision, Refusal, Renew, Role, Roles, TokenView, VerifyShort,
};
use tallystick::cryptogram::native::{Covered, Deriver};
use tallystick::engine::EngineLimits;
use tallystick::types::{
    Amount, Atc, Binding, Channel, Channels, Cryptogram, CryptogramHeader, Currency, DeactivationReason,
    Domain, Expiry, Merchant, ShortValue, StatusEvent, TokenNumber, Transaction, Trid, UnixTime,
};

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

/// A verification that is refused, and what for.
struct Refused {
    why: Refusal,
    view: TokenView,
    transaction: Transaction<'static>,
    cryptogram: Cryptogram,
}

impl Refused {
    fn of(why: Refusal, view: &TokenView, cryptogram: Cryptogram) -> Self {
        Self { why, view: view.clone(), transaction: paying(1), cryptogram }
    }

    fn short(&self) -> Command<'static> {
        Command::VerifyShort(VerifyShort {
            token: self.view.token,
            expiry: self.view.expiry,
            trid: self.view.trid,
            transaction: self.transaction,
            value: ShortValue::parse(b"000").unwrap(),
        })
    }
}

/// A token of its own for each, so that none has misses of another's.
fn new(rig: &mut Rig) -> (TokenView, Cryptogram) {
    let token = rig.provision();
    let good = rig.issue(token.token, paying(1)).unwrap();
    (token, good)
}

/// A cryptogram under the token's own key, whatever its header says.
fn made(rig: &Rig, token: &TokenView, binding: Binding, atc: u32) -> Cryptogram {
    let (key_version, key) = rig.keyring.token_derivation.active();
    let slot = UnixTime::from_seconds(rig.now).slot();
    let header = CryptogramHeader { binding, key_version, atc: Atc::new(atc).unwrap(), slot };
    let covered = Covered { trid: token.trid, expiry: token.expiry, transaction: paying(1) };
    Deriver::new(key).token_key(token.token).cryptogram(&header, &covered).unwrap()
}

/// What is refused for the cryptogram itself.
fn of_cryptograms(rig: &mut Rig, old: (TokenView, Cryptogram)) -> Vec<Refused> {
    let mut all = vec![Refused::of(Refusal::TooOld, &old.0, old.1)];
    let (token, good) = new(rig);
    all.push(Refused::of(Refusal::BadMac, &token, forged(good, 3)));
    let (token, _) = new(rig);
    all.push(Refused::of(Refusal::CryptogramFormat, &token, Cryptogram::from_slice(&[0; 20]).unwrap()));
    let (token, good) = new(rig);
    let mut bytes = *good.as_bytes();
    bytes[1] ^= 0x40;
    all.push(Refused::of(Refusal::KeyVersion, &token, Cryptogram::from_slice(&bytes).unwrap()));
    let (token, spent) = new(rig);
    rig.verify(&token, paying(1), spent).unwrap();
    all.push(Refused::of(Refusal::Replayed, &token, spent));
    let (token, first) = new(rig);
    let newest = (0..70).map(|_| rig.issue(token.token, paying(1)).unwrap()).last().unwrap();
    rig.verify(&token, paying(1), newest).unwrap();
    all.push(Refused::of(Refusal::BehindWindow, &token, first));
    let (token, _) = new(rig);
    let never = made(rig, &token, Binding::AMOUNT, 1000);
    all.push(Refused::of(Refusal::NeverIssued, &token, never));
    let (token, _) = new(rig);
    rig.now += 3600;
    let early = rig.issue(token.token, paying(1)).unwrap();
    rig.now -= 3600;
    all.push(Refused::of(Refusal::FromFuture, &token, early));
    let (token, good) = new(rig);
    let bare =
        Refused { transaction: Transaction::UNKNOWN, ..Refused::of(Refusal::BindingMismatch, &token, good) };
    all.push(bare);
    all
}

/// What is refused for what else is presented, or for how the token stands.
fn of_tokens(rig: &mut Rig, expired: (TokenView, Cryptogram)) -> Vec<Refused> {
    let mut all = vec![Refused::of(Refusal::TokenExpired, &expired.0, expired.1)];
    let (token, good) = new(rig);
    let unknown = TokenNumber::parse(b"4895370000000000").unwrap();
    all.push(Refused::of(Refusal::UnknownToken, &TokenView { token: unknown, ..token }, good));
    let (token, good) = new(rig);
    let expiry = Expiry::parse(b"3001").unwrap();
    all.push(Refused::of(Refusal::WrongExpiry, &TokenView { expiry, ..token }, good));
    let (token, good) = new(rig);
    let other = Trid::parse(b"40010000002").unwrap();
    all.push(Refused::of(Refusal::WrongTrid, &TokenView { trid: other, ..token }, good));
    let of_other = Provision { trid: Trid::parse(b"40010000003").unwrap(), ..card(PAN, "2912") };
    let token = token_of(rig.run(Command::Provision(Box::new(of_other))));
    all.push(Refused::of(Refusal::TridNotAllowed, &token, made(rig, &token, Binding::AMOUNT, 1)));
    let waiting = Provision { providers: Some(Vec::new()), ..card(PAN, "2912") };
    let token = token_of(rig.run(Command::Provision(Box::new(waiting))));
    all.push(Refused::of(Refusal::TokenInitiated, &token, made(rig, &token, Binding::AMOUNT, 1)));
    for (event, why) in [
        (StatusEvent::Suspend, Refusal::TokenSuspended),
        (StatusEvent::Deactivate(DeactivationReason::Requested), Refusal::TokenDeactivated),
    ] {
        let (token, good) = new(rig);
        rig.status(token.token, event).unwrap();
        all.push(Refused::of(why, &token, good));
    }
    // A good one and a bad one alike.
    for bit in [None, Some(3)] {
        let (token, good) = new(rig);
        for bit in 0..10 {
            assert_eq!(rig.verify(&token, paying(1), forged(good, bit)), Err(Refusal::BadMac));
        }
        let presented = bit.map_or(good, |bit| forged(good, bit));
        all.push(Refused::of(Refusal::TokenLocked, &token, presented));
    }
    all.extend(of_domains(rig));
    all
}

fn of_domains(rig: &mut Rig) -> [Refused; 3] {
    let domain = Domain {
        merchant: Some(b"m_1".as_slice().into()),
        channels: Channels::from_bits(1).unwrap(),
        demands: Binding::AMOUNT,
    };
    let right = Transaction { merchant: Merchant::parse(b"m_1").ok(), ..paying(1) };
    [
        (Refusal::DomainMerchant, Transaction { merchant: None, ..right }),
        (Refusal::DomainChannel, Transaction { channel: Channel::Recurring, ..right }),
        (Refusal::BindingDemanded, right),
    ]
    .map(|(why, transaction)| {
        let bound = Provision { domain: domain.clone(), ..card(PAN, "2912") };
        let token = token_of(rig.run(Command::Provision(Box::new(bound))));
        let cryptogram = match why {
            Refusal::BindingDemanded => made(rig, &token, Binding::NONE, 1),
            _ => rig.issue(token.token, right).unwrap(),
        };
        Refused { why, view: token, transaction, cryptogram }
    })
}

/// One for each reason for which a verification is refused.
fn each_refused(rig: &mut Rig) -> Vec<Refused> {
    let old = new(rig);
    let expiring = token_of(rig.run(Command::Provision(Box::new(card(PAN, "2701")))));
    rig.now += 30 * 86_400;
    let expired = made(rig, &expiring, Binding::AMOUNT, 1);
    let mut all = of_cryptograms(rig, old);
    all.extend(of_tokens(rig, (expiring, expired)));
    all
}

/// Without the role of auditor every refused verification has one code, waits for a
/// commit, as one does that counts a miss, and writes as many bytes: so how long it
/// takes says nothing of why.
#[test]
fn every_refusal_that_may_not_be_told_apart_waits_for_a_commit() {
    let mut rig = Rig::new();
    let all = each_refused(&mut rig);
    for auditor in [false, true] {
        let roles: &[Role] = if auditor { &[Role::Verifier, Role::Auditor] } else { &[Role::Verifier] };
        rig.caller =
            Caller::new("shop", Roles::of(roles), Some(&[trid(), Trid::parse(b"40010000002").unwrap()]));
        let mut written = BTreeSet::new();
        for Refused { why, view, transaction, cryptogram } in &all {
            let before = rig.receipt.newest();
            assert_eq!(rig.verify(view, *transaction, *cryptogram), Err(*why));
            assert!(why.is_of_cryptogram(), "{why}");
            let commits = rig.receipt.newest().0 - before.0;
            assert_eq!(commits, u64::from(!auditor || *why == Refusal::BadMac), "{why}");
            if commits == 1 {
                assert_eq!(rig.written, 1, "{why}");
                written.insert(rig.written_bytes);
            }
        }
        assert_eq!(written.len(), 1, "{written:?}");
    }
}

/// The same of short values, which ask for no more than the token and what is bound.
#[test]
fn every_refused_short_value_waits_for_a_commit() {
    let mut rig = Rig::new();
    let mut all = each_refused(&mut rig);
    let (token, good) = new(&mut rig);
    for _ in 0..5 {
        let missed = rig.run(Refused::of(Refusal::ShortMismatch, &token, good).short());
        assert_eq!(missed.unwrap_err(), Refusal::ShortMismatch);
    }
    all.push(Refused::of(Refusal::ShortLocked, &token, good));
    for auditor in [false, true] {
        let roles: &[Role] = if auditor { &[Role::Verifier, Role::Auditor] } else { &[Role::Verifier] };
        rig.caller =
            Caller::new("shop", Roles::of(roles), Some(&[trid(), Trid::parse(b"40010000002").unwrap()]));
        let (mut written, mut reasons) = (BTreeSet::new(), Vec::new());
        for refused in &all {
            let before = rig.receipt.newest();
            let why = rig.run(refused.short()).unwrap_err();
            assert!(why.is_of_cryptogram(), "{why}");
            // What is wrong with the cryptogram only is a wrong value here.
            assert!(why == refused.why || why == Refusal::ShortMismatch, "{why} for {}", refused.why);
            let commits = rig.receipt.newest().0 - before.0;
            assert_eq!(commits, u64::from(!auditor || why == Refusal::ShortMismatch), "{why}");
            if commits == 1 {
                assert_eq!(rig.written, 1, "{why}");
                written.insert(rig.written_bytes);
            }
            reasons.push(why);
        }
        assert_eq!(written.len(), 1, "{written:?}");
        for why in [
            Refusal::UnknownToken,
            Refusal::TokenSuspended,
            Refusal::TokenDeactivated,
            Refusal::TokenExpired,
            Refusal::DomainMerchant,
            Refusal::ShortMismatch,
            Refusal::ShortLocked,
        ] {
            assert!(reasons.contains(&why), "{why} was not tried");
        }
    }
}

/// A miss is written with the values that are outstanding: a few bytes more than a
/// refusal of nobody, in the same record of the same commit.
#[test]
fn a_missed_short_value_writes_no_more_than_what_is_outstanding() {
    let mut rig = Rig::new();
    let (token, good) = new(&mut rig);
    let short = Refused::of(Refusal::ShortMismatch, &token, good);
    rig.run(short.short()).unwrap_err();
    let bare = rig.written_bytes;
    // As many as may be outstanding, and no more misses than lock.
    for _ in 0..4 {
        let issue = Issue { token: token.token, trid: token.trid, transaction: paying(1) };
        rig.run(Command::IssueShort(IssueShort(issue))).unwrap();
        // A hit would be no miss.
        if rig.run(short.short()).is_err() {
            assert_eq!(rig.written, 1);
            assert!(rig.written_bytes <= bare + 4 * 16, "{} beside {bare}", rig.written_bytes);
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
