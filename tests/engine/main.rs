//! What the engine promises, each promise by its refusals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod anchors;
mod card_answers;
mod card_identity;
mod card_refusals;
mod cards;
mod damage;
mod edges;
#[path = "../support/emv.rs"]
mod emv;
mod keys;
mod nodes;
#[path = "../support/mod.rs"]
mod support;
mod survey;

use support::{NOW, PAN, Rig, TRID, card, everyone, provider, token_of, trid};
use tallystick::command::{
    Caller, ChangeStatus, Command, Issue, IssueShort, IssuedShort, LinkPar, List, Refusal, Renew, Reply,
    Reseal, Role, Roles, Verify, VerifyShort,
};
use tallystick::crypto::{KeyPurpose, SystemRandom};
use tallystick::engine::EngineLimits;
use tallystick::types::{
    Amount, AuthReference, Binding, Channel, Channels, Cryptogram, Currency, DeactivationReason, Domain,
    EvidenceError, Expiry, KeyVersion, Merchant, Pan, Par, ShortValue, StatusEvent, TokenNumber, TokenStatus,
    Transaction, Trid, UnixTime, UnpredictableNumber,
};

fn paying(units: u64) -> Transaction<'static> {
    let amount = (Amount::from_minor_units(units), Currency::from_code(356).unwrap());
    Transaction { amount: Some(amount), ..Transaction::UNKNOWN }
}

fn flipped(cryptogram: Cryptogram, bit: usize) -> Cryptogram {
    let mut bytes = *cryptogram.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Cryptogram::from_slice(&bytes).unwrap()
}

#[test]
fn accepted_once_and_never_again_not_even_after_a_crash() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let first = rig.issue(token.token, paying(100)).unwrap();
    let second = rig.issue(token.token, paying(100)).unwrap();
    assert_ne!(first, second);
    assert_eq!(rig.verify(&token, paying(100), first), Ok(1));
    assert_eq!(rig.verify(&token, paying(100), first), Err(Refusal::Replayed));
    rig.restart();
    assert_eq!(rig.verify(&token, paying(100), first), Err(Refusal::Replayed));
    assert_eq!(rig.verify(&token, paying(100), second), Ok(2));
    let third = rig.issue(token.token, paying(100)).unwrap();
    assert_eq!(third.header().unwrap().atc.get(), 3);
}

#[test]
fn no_flipped_bit_is_accepted_and_the_true_one_still_is() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let good = rig.issue(token.token, paying(100)).unwrap();
    for bit in 0..160 {
        assert!(rig.verify(&token, paying(100), flipped(good, bit)).is_err(), "bit {bit}");
        // So many bad MACs would lock it.
        rig.run(Command::ClearShortLock(token.token)).unwrap();
    }
    assert_eq!(rig.verify(&token, paying(100), good), Ok(1));
}

#[test]
fn what_is_bound_must_be_the_same() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let merchant = Merchant::parse(b"m_1").ok();
    let unpredictable = Some(UnpredictableNumber([1, 2, 3, 4]));
    let bound = Transaction { merchant, unpredictable, ..paying(100) };
    let good = rig.issue(token.token, bound).unwrap();
    let currency = Some((Amount::from_minor_units(100), Currency::from_code(840).unwrap()));
    for (other, refusal) in [
        (Transaction { amount: paying(101).amount, ..bound }, Refusal::BadMac),
        (Transaction { amount: currency, ..bound }, Refusal::BadMac),
        (Transaction { merchant: Merchant::parse(b"m_2").ok(), ..bound }, Refusal::BadMac),
        (Transaction { unpredictable: Some(UnpredictableNumber([1, 2, 3, 5])), ..bound }, Refusal::BadMac),
        (Transaction { amount: None, ..bound }, Refusal::BindingMismatch),
        (Transaction { merchant: None, ..bound }, Refusal::BindingMismatch),
        (Transaction { unpredictable: None, ..bound }, Refusal::BindingMismatch),
        (Transaction { merchant_initiated: true, ..bound }, Refusal::BindingMismatch),
    ] {
        assert_eq!(rig.verify(&token, other, good), Err(refusal), "{other:?}");
    }
    assert_eq!(rig.verify(&token, bound, good), Ok(1));
}

#[test]
fn one_fetched_before_the_amount_is_known_pays_any_amount() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let unbound = rig.issue(token.token, Transaction::UNKNOWN).unwrap();
    assert_eq!(unbound.header().unwrap().binding, Binding::NONE);
    assert_eq!(rig.verify(&token, paying(5), unbound), Ok(1));
}

#[test]
fn presented_identity_must_be_the_tokens_own() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let good = rig.issue(token.token, paying(100)).unwrap();
    let mut other = token.clone();
    other.trid = Trid::parse(b"40010000002").unwrap();
    assert_eq!(rig.verify(&other, paying(100), good), Err(Refusal::WrongTrid));
    let mut other = token.clone();
    other.expiry = Expiry::parse(b"3001").unwrap();
    assert_eq!(rig.verify(&other, paying(100), good), Err(Refusal::WrongExpiry));
    let mut other = token.clone();
    other.token = TokenNumber::parse(b"4895370000000000").unwrap();
    assert_eq!(rig.verify(&other, paying(100), good), Err(Refusal::UnknownToken));
    let sibling = rig.provision();
    assert_eq!(rig.verify(&sibling, paying(100), good), Err(Refusal::BadMac));
    let elsewhere = Trid::parse(b"40010000002").unwrap();
    let wrong = Issue { token: token.token, trid: elsewhere, transaction: paying(1) };
    assert_eq!(rig.run(Command::Issue(wrong)).unwrap_err(), Refusal::WrongTrid);
}

#[test]
fn a_counter_never_issued_is_refused_even_with_a_right_mac() {
    let mut rig = Rig::new();
    let token = rig.provision();
    // A crash before the commit: the cryptogram was computed but never handed out.
    let before = rig.disk.clone();
    let lost = {
        use tallystick::command::Request;
        use tallystick::engine::{Context, Fetched, Mint, Outcome};
        let caller = everyone();
        let now = tallystick::types::UnixTime::from_seconds(rig.now);
        let context = Context { now, random: &SystemRandom, caller: &caller };
        let issue = Issue { token: token.token, trid: trid(), transaction: paying(1) };
        let request = Request { command: Command::Issue(issue), idempotency: None, body: b"" };
        let Outcome::Answer(pending) = rig.engine.execute(context, &request, None, &Fetched::Nothing) else {
            panic!()
        };
        let pending = pending.compute(&Mint::new(&rig.keyring));
        pending.open(&rig.receipt).expect_err("no receipt covers what is not committed")
    };
    rig.disk = before;
    rig.restart();
    drop(lost);
    let next = rig.issue(token.token, paying(1)).unwrap();
    assert_eq!(next.header().unwrap().atc.get(), 1);
}

#[test]
fn consent_evidence_and_expiry_are_demanded() {
    let mut rig = Rig::new();
    let mut rupay = card(b"6074820000000009", "2912");
    let refused = rig.run(Command::Provision(Box::new(rupay)));
    assert_eq!(refused.unwrap_err(), Refusal::Evidence(EvidenceError::AuthReferenceRequired));
    rupay = card(b"6074820000000009", "2912");
    rupay.evidence.auth_reference = AuthReference::parse("100222").ok();
    token_of(rig.run(Command::Provision(Box::new(rupay))));
    let past = rig.run(Command::Provision(Box::new(card(PAN, "2612"))));
    assert_eq!(past.unwrap_err(), Refusal::ExpiryPast);
    let nowhere = rig.run(Command::Provision(Box::new(card(b"5555555555554444", "2912"))));
    assert_eq!(nowhere.unwrap_err(), Refusal::NoTokenRange);
    assert_eq!(rig.engine.token_count(), 1);
}

#[test]
fn one_card_two_tokens_one_par_one_fingerprint() {
    let mut rig = Rig::new();
    let (one, two) = (rig.provision(), rig.provision());
    assert_ne!(one.token, two.token);
    assert_eq!((&one.par, one.fingerprint), (&two.par, two.fingerprint));
    assert_eq!(one.card_last_four, *b"1111");
    assert_ne!(one.token.last_four(), one.card_last_four);
    let pan = || Pan::parse(PAN).unwrap();
    assert!(matches!(rig.run(Command::Par(pan())), Ok(Reply::Par(par)) if par == one.par));
    let fingerprint = rig.run(Command::Fingerprint(pan()));
    assert!(matches!(fingerprint, Ok(Reply::Fingerprint(value)) if value == one.fingerprint));
}

#[test]
fn a_networks_par_wins_for_every_token_and_a_reissued_card_keeps_it() {
    let mut rig = Rig::new();
    let before = rig.provision();
    let mut with_par = card(PAN, "2912");
    with_par.par = Par::parse("somepar").ok();
    token_of(rig.run(Command::Provision(Box::new(with_par))));
    let shown = token_of(rig.run(Command::Show(before.token)));
    assert_eq!(shown.par.as_str(), "somepar");
    let reissued = || Pan::parse(b"4012888888881881").unwrap();
    let link = Command::LinkPar(LinkPar { pan: reissued(), predecessor: before.token });
    assert!(matches!(rig.run(link), Ok(Reply::Par(par)) if par.as_str() == "somepar"));
    rig.restart();
    assert!(matches!(rig.run(Command::Par(reissued())), Ok(Reply::Par(par)) if par.as_str() == "somepar"));
    let third = token_of(rig.run(Command::Provision(Box::new(card(b"378282246310005", "2912")))));
    let conflict = Command::LinkPar(LinkPar { pan: reissued(), predecessor: third.token });
    assert_eq!(rig.run(conflict).unwrap_err(), Refusal::ParConflict);
}

#[test]
fn suspended_waits_deactivated_is_final_and_its_pan_is_gone() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let good = rig.issue(token.token, paying(1)).unwrap();
    rig.status(token.token, StatusEvent::Suspend).unwrap();
    assert_eq!(rig.issue(token.token, paying(1)), Err(Refusal::TokenSuspended));
    assert_eq!(rig.verify(&token, paying(1), good), Err(Refusal::TokenSuspended));
    rig.restart();
    assert_eq!(rig.issue(token.token, paying(1)), Err(Refusal::TokenSuspended));
    rig.status(token.token, StatusEvent::Resume).unwrap();
    assert_eq!(rig.verify(&token, paying(1), good), Ok(1));
    assert!(matches!(rig.run(Command::Detokenize(token.token)), Ok(Reply::Detokenized(_))));
    rig.status(token.token, StatusEvent::Deactivate(DeactivationReason::Requested)).unwrap();
    assert_eq!(rig.issue(token.token, paying(1)), Err(Refusal::TokenDeactivated));
    assert_eq!(rig.status(token.token, StatusEvent::Resume).unwrap_err(), Refusal::TokenDeactivated);
    assert_eq!(rig.run(Command::Detokenize(token.token)).unwrap_err(), Refusal::TokenDeactivated);
    let expiry = Expiry::parse(b"3012").unwrap();
    let renew = Command::Renew(Renew { token: token.token, expiry });
    assert_eq!(rig.run(renew).unwrap_err(), Refusal::TokenDeactivated);
}

#[test]
fn a_token_without_a_provider_is_initiated_until_one_activates_it() {
    let mut rig = Rig::new();
    let mut waiting = card(PAN, "2912");
    waiting.providers = Some(Vec::new());
    let token = token_of(rig.run(Command::Provision(Box::new(waiting))));
    assert_eq!(token.providers.overall(), TokenStatus::Initiated);
    assert_eq!(rig.issue(token.token, paying(1)), Err(Refusal::TokenInitiated));
    let activate =
        ChangeStatus { token: token.token, provider: Some(provider("visa")), event: StatusEvent::Resume };
    rig.run(Command::ChangeStatus(activate)).unwrap();
    assert!(rig.issue(token.token, paying(1)).is_ok());
    let elsewhere =
        ChangeStatus { token: token.token, provider: Some(provider("bank")), event: StatusEvent::Suspend };
    assert_eq!(rig.run(Command::ChangeStatus(elsewhere)).unwrap_err(), Refusal::UnknownProvider);
}

/// Else a row of 65,536 writes ago would fit again.
#[test]
fn no_revision_comes_twice_and_a_token_can_still_be_sealed_anew_and_ended() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let mut changes = 0_u32;
    let refused = loop {
        let event = if changes.is_multiple_of(2) { StatusEvent::Suspend } else { StatusEvent::Resume };
        match rig.status(token.token, event) {
            Ok(_) => changes += 1,
            Err(refusal) => break refusal,
        }
    };
    assert_eq!((changes, refused), (65_279, Refusal::RevisionExhausted));
    let renew = Command::Renew(Renew { token: token.token, expiry: token.expiry });
    assert_eq!(rig.run(renew).unwrap_err(), Refusal::RevisionExhausted);
    rig.keys.rotate(&SystemRandom, KeyPurpose::PanSealing, UnixTime::from_seconds(NOW)).unwrap();
    rig.reload_keys();
    let resealed = rig.run(Command::Reseal(Reseal { after: None, limit: 1 })).unwrap();
    assert!(matches!(resealed, Reply::Resealed(step) if step.resealed == 1));
    let over = StatusEvent::Deactivate(DeactivationReason::Requested);
    assert!(rig.status(token.token, over).is_ok());
    assert_eq!(rig.status(token.token, StatusEvent::Resume).unwrap_err(), Refusal::TokenDeactivated);
}

#[test]
fn an_expired_token_is_renewed_and_pays_again() {
    let mut rig = Rig::new();
    let token = token_of(rig.run(Command::Provision(Box::new(card(PAN, "2701")))));
    rig.now += 31 * 86_400;
    assert_eq!(rig.issue(token.token, paying(1)), Err(Refusal::TokenExpired));
    let expiry = Expiry::parse(b"3012").unwrap();
    let renewed = token_of(rig.run(Command::Renew(Renew { token: token.token, expiry })));
    assert_eq!((renewed.expiry, renewed.card_expiry), (expiry, expiry));
    let good = rig.issue(token.token, paying(1)).unwrap();
    assert_eq!(rig.verify(&token, paying(1), good), Err(Refusal::WrongExpiry));
    assert_eq!(rig.verify(&renewed, paying(1), good), Ok(1));
}

#[test]
fn domain_controls_hold_at_issue_and_at_verification() {
    let mut rig = Rig::new();
    let mut bound = card(PAN, "2912");
    bound.domain = Domain {
        merchant: Some(b"m_1".as_slice().into()),
        channels: Channels::from_bits(1).unwrap(),
        demands: Binding::AMOUNT,
    };
    let token = token_of(rig.run(Command::Provision(Box::new(bound))));
    let merchant = Merchant::parse(b"m_1").ok();
    let right = Transaction { merchant, ..paying(1) };
    for (transaction, refusal) in [
        (Transaction { merchant: Merchant::parse(b"m_2").ok(), ..right }, Refusal::DomainMerchant),
        (Transaction { channel: Channel::Recurring, ..right }, Refusal::DomainChannel),
        (Transaction { amount: None, ..right }, Refusal::BindingDemanded),
    ] {
        assert_eq!(rig.issue(token.token, transaction), Err(refusal));
    }
    let good = rig.issue(token.token, right).unwrap();
    let stolen = Transaction { merchant: Merchant::parse(b"m_2").ok(), ..right };
    assert_eq!(rig.verify(&token, stolen, good), Err(Refusal::DomainMerchant));
    assert_eq!(
        rig.verify(&token, Transaction { merchant: None, ..right }, good),
        Err(Refusal::DomainMerchant)
    );
    let elsewhere = Transaction { channel: Channel::InApp, ..right };
    assert_eq!(rig.verify(&token, elsewhere, good), Err(Refusal::DomainChannel));
    // The header says that nothing is bound: refused before its MAC is even of interest.
    let mut unbound = *good.as_bytes();
    unbound[0] = 0x10;
    let unbound = Cryptogram::from_slice(&unbound).unwrap();
    assert_eq!(rig.verify(&token, right, unbound), Err(Refusal::BindingDemanded));
    assert_eq!(rig.verify(&token, right, good), Ok(1));
}

#[test]
fn roles_and_trid_limits() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let issue = || Command::Issue(Issue { token: token.token, trid: trid(), transaction: paying(1) });
    rig.caller = Caller::new("verifier", Roles::of(&[Role::Verifier]), None);
    assert_eq!(rig.run(issue()).unwrap_err(), Refusal::RoleMissing);
    assert_eq!(rig.run(Command::Detokenize(token.token)).unwrap_err(), Refusal::RoleMissing);
    assert_eq!(rig.run(Command::Show(token.token)).unwrap_err(), Refusal::RoleMissing);
    let elsewhere = Trid::parse(b"40010000002").unwrap();
    rig.caller = Caller::new("bound", Roles::of(&Role::ALL), Some(&[elsewhere]));
    for command in [
        issue(),
        Command::Show(token.token),
        Command::Detokenize(token.token),
        Command::Provision(Box::new(card(PAN, "2912"))),
        Command::List(List { trid: trid(), after: None, limit: 10 }),
        Command::ClearShortLock(token.token),
    ] {
        assert_eq!(rig.run(command).unwrap_err(), Refusal::TridNotAllowed);
    }
}

#[test]
fn a_retry_gives_the_same_and_burns_no_counter() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let issue =
        |units| Command::Issue(Issue { token: token.token, trid: trid(), transaction: paying(units) });
    let Ok(Reply::Issued(first)) = rig.run_keyed(b"k", b"one", issue(1)) else { panic!() };
    rig.restart();
    let Ok(Reply::Issued(again)) = rig.run_keyed(b"k", b"one", issue(1)) else { panic!() };
    assert_eq!(first, again);
    assert_eq!(rig.run_keyed(b"k", b"two", issue(2)).unwrap_err(), Refusal::IdempotencyConflict);
    let next = rig.issue(token.token, paying(1)).unwrap();
    assert_eq!(next.header().unwrap().atc.get(), 2);
    // Another caller's key of the same name is another key.
    rig.caller = Caller::new("other", Roles::of(&Role::ALL), None);
    let Ok(Reply::Issued(third)) = rig.run_keyed(b"k", b"one", issue(1)) else { panic!() };
    assert_ne!(first, third);
}

#[test]
fn a_keyed_verification_is_accepted_again_only_as_the_same_request() {
    let mut rig = Rig::new();
    let token = rig.provision();
    let cryptogram = rig.issue(token.token, paying(1)).unwrap();
    let verify = || {
        Command::Verify(Verify {
            token: token.token,
            expiry: token.expiry,
            trid: trid(),
            transaction: paying(1),
            cryptogram,
        })
    };
    assert!(rig.run_keyed(b"k", b"body", verify()).is_ok());
    assert!(rig.run_keyed(b"k", b"body", verify()).is_ok());
    assert_eq!(rig.run_keyed(b"l", b"body", verify()).unwrap_err(), Refusal::Replayed);
    assert_eq!(rig.run(verify()).unwrap_err(), Refusal::Replayed);
    // A refusal is not remembered under its key.
    assert_eq!(rig.run_keyed(b"l", b"body", verify()).unwrap_err(), Refusal::Replayed);
}

#[test]
fn keys_are_forgotten_after_their_time_and_limited_in_number() {
    let limits = EngineLimits { idempotency_keys: 2, ..EngineLimits::default() };
    let mut rig = Rig::with_limits(limits);
    let provision = |rig: &mut Rig, key: &[u8]| {
        rig.run_keyed(key, b"body", Command::Provision(Box::new(card(PAN, "2912"))))
    };
    let first = token_of(provision(&mut rig, b"a"));
    assert_eq!(token_of(provision(&mut rig, b"a")).token, first.token);
    provision(&mut rig, b"b").unwrap();
    assert_eq!(provision(&mut rig, b"c").unwrap_err(), Refusal::Busy);
    rig.now += 86_399;
    assert_eq!(token_of(provision(&mut rig, b"a")).token, first.token);
    rig.now += 1;
    rig.engine.expire(tallystick::types::UnixTime::from_seconds(rig.now));
    assert_ne!(token_of(provision(&mut rig, b"a")).token, first.token);
}

#[test]
fn listing_pages_through_a_requestors_tokens_in_order() {
    let mut rig = Rig::new();
    let mine: Vec<_> = (0..7).map(|_| rig.provision().token).collect();
    let mut other = card(PAN, "2912");
    other.trid = Trid::parse(b"40010000002").unwrap();
    token_of(rig.run(Command::Provision(Box::new(other))));
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let Ok(Reply::Page(page)) = rig.run(Command::List(List { trid: trid(), after, limit: 3 })) else {
            panic!()
        };
        seen.extend(page.tokens.iter().map(|view| view.token));
        after = page.next;
        assert_eq!(after.is_some(), page.tokens.len() == 3, "a page that is not full is the last");
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, mine);
}

#[test]
fn detokenize_gives_the_pan_and_a_moved_row_does_not_open() {
    let mut rig = Rig::new();
    let token = rig.provision();
    rig.restart();
    let Ok(Reply::Detokenized(card)) = rig.run(Command::Detokenize(token.token)) else { panic!() };
    assert_eq!(card.pan.expose_digits(), PAN);
}

fn issue_short(rig: &mut Rig, token: TokenNumber) -> IssuedShort {
    let issue = Issue { token, trid: Trid::parse(TRID).unwrap(), transaction: paying(1) };
    match rig.run(Command::IssueShort(IssueShort(issue))) {
        Ok(Reply::IssuedShort(issued)) => issued,
        other => panic!("{other:?}"),
    }
}

fn verify_short(rig: &mut Rig, token: TokenNumber, value: &[u8]) -> Result<Reply, Refusal> {
    rig.run(Command::VerifyShort(VerifyShort {
        token,
        expiry: Expiry::parse(b"2912").unwrap(),
        trid: trid(),
        transaction: paying(1),
        value: ShortValue::parse(value).unwrap(),
    }))
}

fn another(value: &ShortValue) -> Vec<u8> {
    let mut digits = value.as_bytes().to_vec();
    digits[0] = b'0' + (digits[0] - b'0' + 1) % 10;
    digits
}

#[test]
fn a_short_value_is_accepted_once_also_after_a_crash() {
    let mut rig = Rig::new();
    let token = rig.provision().token;
    let issued = issue_short(&mut rig, token);
    assert_eq!(issued.value.as_bytes().len(), 3);
    rig.restart();
    assert!(verify_short(&mut rig, token, issued.value.as_bytes()).is_ok());
    rig.restart();
    assert_eq!(verify_short(&mut rig, token, issued.value.as_bytes()).unwrap_err(), Refusal::ShortMismatch);
    let amex = token_of(rig.run(Command::Provision(Box::new(card(b"378282246310005", "2912"))))).token;
    assert_eq!(issue_short(&mut rig, amex).value.as_bytes().len(), 4);
}

#[test]
fn five_misses_lock_across_a_crash_until_an_admin_or_a_renewal_clears_them() {
    let mut rig = Rig::new();
    let token = rig.provision().token;
    let issued = issue_short(&mut rig, token);
    let wrong = another(&issued.value);
    for _ in 0..5 {
        assert_eq!(verify_short(&mut rig, token, &wrong).unwrap_err(), Refusal::ShortMismatch);
        rig.restart();
    }
    assert_eq!(verify_short(&mut rig, token, issued.value.as_bytes()).unwrap_err(), Refusal::ShortLocked);
    rig.run(Command::ClearShortLock(token)).unwrap();
    assert!(verify_short(&mut rig, token, issued.value.as_bytes()).is_ok());
    for _ in 0..5 {
        verify_short(&mut rig, token, b"000").unwrap_err();
    }
    let expiry = Expiry::parse(b"2912").unwrap();
    rig.run(Command::Renew(Renew { token, expiry })).unwrap();
    let fresh = issue_short(&mut rig, token);
    assert!(verify_short(&mut rig, token, fresh.value.as_bytes()).is_ok());
}

#[test]
fn the_token_limit_and_the_group_limit_refuse_and_lose_nothing() {
    let mut rig = Rig::with_limits(EngineLimits { tokens: 1, ..EngineLimits::default() });
    let token = rig.provision();
    let more = rig.run(Command::Provision(Box::new(card(PAN, "2912"))));
    assert_eq!(more.unwrap_err(), Refusal::TokenLimit);
    assert!(rig.issue(token.token, paying(1)).is_ok());
}
