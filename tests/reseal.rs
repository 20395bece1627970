//! Re-sealing after a rotation: every PAN comes under the active key, and no
//! change made meanwhile is lost.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use proptest::prelude::*;
use support::{Rig, card, everyone, token_of, trid};
use tallystick::command::{
    Caller, ChangeStatus, Command, Refusal, Reply, Request, Reseal, Resealed, Role, Roles,
};
use tallystick::crypto::{KeyPurpose, SystemRandom};
use tallystick::engine::{Context, Fetched, Mint, Need, Outcome};
use tallystick::store::{Store, TokenRow, TokenSlot};
use tallystick::types::{
    DeactivationReason, KeyVersion, StatusEvent, TokenNumber, TokenStatus, Trid, UnixTime, luhn_check_digit,
};

const DELETE: StatusEvent = StatusEvent::Deactivate(DeactivationReason::Requested);

/// The PAN of the nth card.
fn pan(nth: usize) -> Vec<u8> {
    let mut digits = format!("411111{nth:09}").into_bytes();
    digits.push(luhn_check_digit(&digits));
    digits
}

fn save(rig: &mut Rig, nth: usize) -> TokenNumber {
    token_of(rig.run(Command::Provision(Box::new(card(&pan(nth), "2912"))))).token
}

fn step(rig: &mut Rig, after: Option<u32>, limit: u8) -> Resealed {
    match rig.run(Command::Reseal(Reseal { after, limit })) {
        Ok(Reply::Resealed(resealed)) => resealed,
        other => panic!("{other:?}"),
    }
}

/// A pass from the beginning to the end, its counts added up.
fn pass(rig: &mut Rig, limit: u8) -> Resealed {
    let mut all = step(rig, None, limit);
    while let Some(after) = all.next {
        let more = step(rig, Some(after), limit);
        assert_eq!(more.version, all.version);
        all.looked_at += more.looked_at;
        all.resealed += more.resealed;
        all.unopened += more.unopened;
        (all.tokens, all.next) = (more.tokens, more.next);
    }
    all
}

fn rotate(rig: &mut Rig) {
    rig.keys.rotate(&SystemRandom, KeyPurpose::PanSealing, UnixTime::from_seconds(rig.now)).unwrap();
    rig.reload_keys();
}

fn destroy(rig: &mut Rig, version: u8) {
    rig.keys.destroy(KeyPurpose::PanSealing, KeyVersion::new(version).unwrap()).unwrap();
    rig.reload_keys();
}

fn detokenized(rig: &mut Rig, token: TokenNumber) -> Result<Vec<u8>, Refusal> {
    match rig.run(Command::Detokenize(token))? {
        Reply::Detokenized(card) => Ok(card.pan.expose_digits().to_vec()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn after_a_pass_the_old_key_is_needed_no_more() {
    let mut rig = Rig::new();
    let tokens: Vec<_> = (0..250).map(|nth| save(&mut rig, nth)).collect();
    rig.status(tokens[7], DELETE).unwrap();
    rotate(&mut rig);
    let second = KeyVersion::new(2).unwrap();
    let first = step(&mut rig, None, 100);
    let expected =
        Resealed { version: second, looked_at: 100, resealed: 99, unopened: 0, tokens: 250, next: Some(99) };
    assert_eq!(first, expected);
    // An interruption: it begins again and skips what is done.
    rig.restart();
    let all = pass(&mut rig, 100);
    assert_eq!((all.looked_at, all.resealed, all.next), (250, 150, None));
    assert_eq!(pass(&mut rig, 33).resealed, 0);
    destroy(&mut rig, 1);
    for (nth, token) in tokens.iter().enumerate() {
        let expected = if nth == 7 { Err(Refusal::TokenDeactivated) } else { Ok(pan(nth)) };
        assert_eq!(detokenized(&mut rig, *token), expected, "{nth}");
    }
}

#[test]
fn the_end_is_told_whatever_the_count() {
    let mut rig = Rig::new();
    let empty = step(&mut rig, None, 10);
    assert_eq!((empty.looked_at, empty.tokens, empty.next), (0, 0, None));
    for nth in 0..10 {
        save(&mut rig, nth);
    }
    // A full step cannot know that it is the last; the next one looks at nothing.
    assert_eq!(step(&mut rig, None, 10).next, Some(9));
    let end = step(&mut rig, Some(9), 10);
    assert_eq!((end.looked_at, end.next), (0, None));
    // One that is not full knows.
    let end = step(&mut rig, Some(4), 10);
    assert_eq!((end.looked_at, end.next), (5, None));
    assert_eq!(step(&mut rig, Some(u32::MAX), 10).next, None);
}

#[test]
fn what_does_not_open_is_counted_and_left_and_the_rest_goes_on() {
    let mut rig = Rig::new();
    let tokens: Vec<_> = (0..5).map(|nth| save(&mut rig, nth)).collect();
    rotate(&mut rig);
    step(&mut rig, None, 2);
    let late = save(&mut rig, 5);
    // The key of rows 2, 3 and 4 is gone.
    destroy(&mut rig, 1);
    let all = pass(&mut rig, 100);
    assert_eq!((all.looked_at, all.resealed, all.unopened), (6, 0, 3));
    for (nth, token) in tokens.iter().chain([&late]).enumerate() {
        let lost = (2..5).contains(&nth);
        assert_eq!(detokenized(&mut rig, *token), if lost { Err(Refusal::KeyVersion) } else { Ok(pan(nth)) });
    }
}

#[test]
fn a_changed_row_is_not_sealed_anew() {
    let mut rig = Rig::new();
    save(&mut rig, 0);
    save(&mut rig, 1);
    rotate(&mut rig);
    let mut rows = rig.store.tokens_after(None, 9).unwrap();
    let good = rows[0].clone();
    for byte in 0..good.body.len() {
        rows[0] = good.clone();
        rows[0].body[byte] ^= 1;
        let Ok(Reply::Resealed(told)) = decided(&mut rig, None, Fetched::Rows(rows.clone())) else {
            panic!()
        };
        assert_eq!((told.looked_at, told.unopened), (2, 1), "byte {byte}");
        // The other row is none the worse for it.
        assert_eq!(told.resealed, u32::from(byte == 0), "byte {byte}");
        rows[1] = rig.store.token(TokenSlot(1)).unwrap().unwrap();
    }
    assert_eq!(rig.store.token(TokenSlot(0)).unwrap().unwrap(), good);
    assert_eq!(pass(&mut rig, 9).resealed, 1);
}

/// Executes one step on rows that were read before, and commits.
fn decided(rig: &mut Rig, after: Option<u32>, fetched: Fetched) -> Result<Reply, Need> {
    let caller = everyone();
    let context = Context { now: UnixTime::from_seconds(rig.now), random: &SystemRandom, caller: &caller };
    let command = Command::Reseal(Reseal { after, limit: 100 });
    let request = Request { command, idempotency: None, body: b"" };
    match rig.engine.execute(context, &request, None, &fetched) {
        Outcome::Fetch(need) => Err(need),
        Outcome::Answer(pending) => {
            let pending = pending.compute(&Mint::new(&rig.keyring));
            rig.commit().unwrap();
            Ok(pending.open(&rig.receipt).unwrap().unwrap())
        }
    }
}

fn status_of(rig: &mut Rig, token: TokenNumber) -> TokenStatus {
    token_of(rig.run(Command::Show(token))).providers.overall()
}

#[test]
fn a_row_changed_since_it_was_read_ends_the_step_before_it() {
    let mut rig = Rig::new();
    let tokens: Vec<_> = (0..4).map(|nth| save(&mut rig, nth)).collect();
    rotate(&mut rig);
    let rows = |rig: &mut Rig| -> Vec<TokenRow> { rig.store.tokens_after(None, 100).unwrap() };
    let stale = rows(&mut rig);
    rig.status(tokens[2], StatusEvent::Suspend).unwrap();
    let Ok(Reply::Resealed(told)) = decided(&mut rig, None, Fetched::Rows(stale)) else { panic!() };
    assert_eq!((told.looked_at, told.resealed, told.next), (2, 2, Some(1)));
    // If it is the first, nothing can be done but read again.
    let stale = rig.store.tokens_after(Some(TokenSlot(1)), 100).unwrap();
    rig.status(tokens[2], StatusEvent::Resume).unwrap();
    rig.status(tokens[2], StatusEvent::Suspend).unwrap();
    let needed = decided(&mut rig, Some(1), Fetched::Rows(stale)).unwrap_err();
    assert_eq!(needed, Need::Range { after: Some(TokenSlot(1)), limit: 100 });
    assert_eq!(rig.engine.horizon(), rig.receipt.newest(), "something was changed before it was fetched");
    assert_eq!(pass(&mut rig, 100).resealed, 2);
    assert_eq!(status_of(&mut rig, tokens[2]), TokenStatus::Suspended);
    rig.restart();
    assert_eq!(status_of(&mut rig, tokens[2]), TokenStatus::Suspended);
}

#[test]
fn a_change_that_is_not_durable_yet_is_kept() {
    let mut rig = Rig::new();
    let token = save(&mut rig, 0);
    rotate(&mut rig);
    let rows = rig.store.tokens_after(None, 100).unwrap();
    let caller = everyone();
    let context = Context { now: UnixTime::from_seconds(rig.now), random: &SystemRandom, caller: &caller };
    let change = ChangeStatus { token, provider: None, event: StatusEvent::Suspend };
    let request = Request { command: Command::ChangeStatus(change), idempotency: None, body: b"" };
    let fetched = Fetched::Row(rows[0].clone());
    // Decided into the open group, which nobody has committed when the step comes.
    let Outcome::Answer(_pending) = rig.engine.execute(context, &request, None, &fetched) else { panic!() };
    let Ok(Reply::Resealed(told)) = decided(&mut rig, None, Fetched::Rows(rows)) else { panic!() };
    assert_eq!((told.looked_at, told.resealed), (1, 1));
    destroy(&mut rig, 1);
    assert_eq!(status_of(&mut rig, token), TokenStatus::Suspended);
    assert_eq!(detokenized(&mut rig, token), Ok(pan(0)));
}

#[test]
fn a_change_on_a_row_read_before_the_step_reads_it_again() {
    let mut rig = Rig::new();
    let token = save(&mut rig, 0);
    rotate(&mut rig);
    let stale = rig.store.token(TokenSlot(0)).unwrap().unwrap();
    step(&mut rig, None, 1);
    let caller = everyone();
    let context = Context { now: UnixTime::from_seconds(rig.now), random: &SystemRandom, caller: &caller };
    let change = ChangeStatus { token, provider: None, event: StatusEvent::Suspend };
    let request = Request { command: Command::ChangeStatus(change), idempotency: None, body: b"" };
    let outcome = rig.engine.execute(context, &request, None, &Fetched::Row(stale));
    assert!(matches!(outcome, Outcome::Fetch(Need::Row(TokenSlot(0)))), "{outcome:?}");
}

#[test]
fn roles_and_trid_limits_hold() {
    let mut rig = Rig::new();
    let token = save(&mut rig, 0);
    rotate(&mut rig);
    let reseal = || Command::Reseal(Reseal { after: None, limit: 1 });
    let all_but_admin: Vec<_> = Role::ALL.into_iter().filter(|role| *role != Role::Admin).collect();
    rig.caller = Caller::new("other", Roles::of(&all_but_admin), None);
    assert_eq!(rig.run(reseal()).unwrap_err(), Refusal::RoleMissing);
    let elsewhere = Trid::parse(b"40010000002").unwrap();
    rig.caller = Caller::new("bound", Roles::of(&[Role::Admin]), Some(&[elsewhere]));
    assert_eq!(rig.run(reseal()).unwrap_err(), Refusal::TridNotAllowed);
    rig.caller = Caller::new("bound", Roles::of(&Role::ALL), Some(&[trid()]));
    assert_eq!(step(&mut rig, None, 1).resealed, 1);
    assert_eq!(detokenized(&mut rig, token), Ok(pan(0)));
}

#[test]
fn a_keyed_step_is_answered_the_same_again() {
    let mut rig = Rig::new();
    save(&mut rig, 0);
    rotate(&mut rig);
    let ask = |rig: &mut Rig| match rig.run_keyed(
        b"key",
        b"body",
        Command::Reseal(Reseal { after: None, limit: 9 }),
    ) {
        Ok(Reply::Resealed(told)) => told,
        other => panic!("{other:?}"),
    };
    let first = ask(&mut rig);
    assert_eq!(first.resealed, 1);
    rig.restart();
    assert_eq!(ask(&mut rig), first);
}

/// What may happen between two steps of a pass, or between the reading of a
/// step's rows and its decision.
#[derive(Debug, Clone)]
enum Event {
    Save,
    Suspend(usize),
    Resume(usize),
    Delete(usize),
    Rotate,
    Crash,
    /// A step on fresh rows.
    Step,
    /// Rows are read now and used at some later `Use`.
    Read,
    Use,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => Just(Event::Save),
        2 => any::<usize>().prop_map(Event::Suspend),
        2 => any::<usize>().prop_map(Event::Resume),
        1 => any::<usize>().prop_map(Event::Delete),
        1 => Just(Event::Rotate),
        1 => Just(Event::Crash),
        2 => Just(Event::Step),
        2 => Just(Event::Read),
        3 => Just(Event::Use),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever comes between, no change is lost; and after one undisturbed pass
    /// every older key may go.
    #[test]
    fn no_change_is_lost_and_no_row_forgotten(events in prop::collection::vec(event(), 1..60)) {
        let mut rig = Rig::new();
        let mut tokens: Vec<(TokenNumber, TokenStatus)> = Vec::new();
        let (mut after, mut read, mut newest) = (None, None, 1);
        for event in events {
            let count = tokens.len();
            match event {
                Event::Save => {
                    let token = save(&mut rig, tokens.len());
                    tokens.push((token, TokenStatus::Active));
                }
                Event::Suspend(nth) | Event::Resume(nth) | Event::Delete(nth) if !tokens.is_empty() => {
                    let (token, known) = &mut tokens[nth % count];
                    let (event, then) = match event {
                        Event::Suspend(_) => (StatusEvent::Suspend, TokenStatus::Suspended),
                        Event::Resume(_) => (StatusEvent::Resume, TokenStatus::Active),
                        _ => (DELETE, TokenStatus::Deactivated(DeactivationReason::Requested)),
                    };
                    if rig.status(*token, event).is_ok() {
                        *known = then;
                    }
                }
                Event::Rotate if newest < 200 => {
                    rotate(&mut rig);
                    newest += 1;
                    after = None;
                }
                Event::Crash => rig.restart(),
                Event::Step => after = step(&mut rig, after, 3).next,
                Event::Read => read = Some((after, rig.store.tokens_after(after.map(TokenSlot), 100).unwrap())),
                Event::Use => {
                    if let Some((after, rows)) = read.take() {
                        // Stale or not: it is done right, or read again.
                        let _ = decided(&mut rig, after, Fetched::Rows(rows));
                    }
                }
                _ => {}
            }
        }
        let all = pass(&mut rig, 7);
        prop_assert_eq!((usize::try_from(all.looked_at).unwrap(), all.unopened), (tokens.len(), 0));
        for version in 1..newest {
            destroy(&mut rig, version);
        }
        for (nth, (token, status)) in tokens.into_iter().enumerate() {
            prop_assert_eq!(status_of(&mut rig, token), status);
            let gone = matches!(status, TokenStatus::Deactivated(_));
            let expected = if gone { Err(Refusal::TokenDeactivated) } else { Ok(pan(nth)) };
            prop_assert_eq!(detokenized(&mut rig, token), expected);
        }
    }
}
