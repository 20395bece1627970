//! Held cards and sessions against a model that is a map with ends.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPublicEncryptingKey, PublicEncryptingKey,
};
use proptest::prelude::*;

use super::*;
use crate::types::HoldSeconds;

const OWNERS: [&str; 2] = ["vault", "other"];
const NUMBERS: [&[u8]; 3] = [b"4111111111111111", b"378282246310005", b"6304000000000000000"];
/// Cards that the small regions here hold.
const ROOM: usize = 4;

#[derive(Debug, Clone)]
enum Step {
    Hold { owner: usize, handle: u8, card: usize, seconds: u64 },
    Ask { owner: usize, handle: u8 },
    Release { owner: usize, handle: u8 },
    Wait { seconds: u64 },
    Sweep,
}

fn step() -> impl Strategy<Value = Step> {
    let (owner, handle) = (0..OWNERS.len(), 0..6u8);
    prop_oneof![
        3 => (owner.clone(), handle.clone(), 0..2usize, 1..9u64)
            .prop_map(|(owner, handle, card, seconds)| Step::Hold { owner, handle, card, seconds }),
        4 => (owner.clone(), handle.clone()).prop_map(|(owner, handle)| Step::Ask { owner, handle }),
        1 => (owner, handle).prop_map(|(owner, handle)| Step::Release { owner, handle }),
        1 => (0..5u64).prop_map(|seconds| Step::Wait { seconds }),
        1 => Just(Step::Sweep),
    ]
}

fn expiry() -> Expiry {
    Expiry::parse(b"2912").unwrap()
}

fn entry() -> (Entry, EntryRegions) {
    let regions = EntryRegions::of(ROOM, 2).unwrap();
    (Entry::new(Some(regions.clone())), regions)
}

proptest! {
    /// A card is there for its owner until it ends, and for nobody else; what is swept,
    /// released or replaced gives its memory back, and no more are held than there is
    /// memory for.
    #[test]
    fn held_cards_are_a_map_with_ends(steps in prop::collection::vec(step(), 0..60)) {
        let ((entry, regions), start) = (entry(), Instant::now());
        let (mut model, mut now) = (HashMap::new(), 0);
        for step in steps {
            let at = start + Duration::from_secs(now);
            let name = |handle| CardHandle::from_bytes([handle; 16]);
            match step {
                Step::Hold { owner, handle, card, seconds } => {
                    let pan = Pan::parse(NUMBERS[card]).unwrap();
                    let held = entry.hold(OWNERS[owner], name(handle), (&pan, expiry()), at + Duration::from_secs(seconds));
                    if model.len() == ROOM {
                        prop_assert_eq!(held, Err(Refusal::HoldLimit));
                    } else {
                        prop_assert_eq!(held, Ok(()));
                        model.insert(handle, (owner, card, now + seconds));
                    }
                }
                Step::Ask { owner, handle } => {
                    let expected = model.get(&handle).filter(|(of, _, ends)| *of == owner && now < *ends);
                    let card = entry.card(OWNERS[owner], name(handle), at);
                    let digits = card.as_ref().map(|(pan, expiry)| (pan.expose_digits(), *expiry));
                    prop_assert_eq!(digits, expected.map(|(_, card, _)| (NUMBERS[*card], expiry())));
                }
                Step::Release { owner, handle } => {
                    let known = model.get(&handle).is_some_and(|(of, _, ends)| *of == owner && now < *ends);
                    let released = entry.release(OWNERS[owner], name(handle), at);
                    prop_assert_eq!(released, if known { Ok(()) } else { Err(Refusal::UnknownHold) });
                    if known {
                        model.remove(&handle);
                    }
                }
                Step::Wait { seconds } => now += seconds,
                Step::Sweep => {
                    entry.sweep(at);
                    model.retain(|_, (_, _, ends)| now < *ends);
                }
            }
            prop_assert_eq!(entry.counts(), (model.len(), 0));
            prop_assert_eq!(regions.holds.free_slots(), ROOM - model.len());
        }
        entry.close();
        prop_assert_eq!((entry.counts(), regions.holds.free_slots()), ((0, 0), ROOM));
    }
}

#[test]
fn nothing_is_held_once_closed_or_without_memory() {
    let (now, pan) = (Instant::now(), Pan::parse(NUMBERS[2]).unwrap());
    let hold = |entry: &Entry| {
        entry.hold("vault", CardHandle::from_bytes([1; 16]), (&pan, expiry()), now + Duration::from_secs(9))
    };
    let (closed, regions) = entry();
    assert_eq!(hold(&closed), Ok(()));
    assert_eq!(
        closed.card("vault", CardHandle::from_bytes([1; 16]), now).unwrap().0.expose_digits(),
        NUMBERS[2]
    );
    closed.close();
    assert_eq!((hold(&closed), regions.holds.free_slots()), (Err(Refusal::Stopped), ROOM));
    assert!(matches!(closed.room(), Err(Refusal::Stopped)));
    let without = Entry::new(None);
    assert_eq!(hold(&without), Err(Refusal::HoldLimit));
    assert!(matches!(without.room(), Err(Refusal::EntryLimit)));
}

const PLAIN: &[u8] = br#"{"number":"4111111111111111","expiryMonth":"12","expiryYear":"2029"}"#;

/// A session of the vault's, to be tried.
struct Session {
    entry: Entry,
    regions: EntryRegions,
    name: EntrySession,
    public: OaepPublicEncryptingKey,
    start: Instant,
}

impl Session {
    fn open() -> Self {
        let ((entry, regions), start) = (entry(), Instant::now());
        let (key, public) = EntryKey::generate(&entry.room().unwrap()).unwrap();
        let name = EntrySession::from_bytes([3; 16]);
        entry.open("vault", name, key, start + Duration::from_secs(900)).unwrap();
        let public = OaepPublicEncryptingKey::new(PublicEncryptingKey::from_der(&public).unwrap()).unwrap();
        assert_eq!(public.key_size_bits(), 2_048);
        Self { entry, regions, name, public, start }
    }

    fn encrypted(&self, plain: &[u8], how: &'static OaepAlgorithm, label: Option<&[u8]>) -> Vec<u8> {
        let mut out = vec![0; 256];
        self.public.encrypt(how, plain, &mut out, label).unwrap();
        out
    }

    fn good(&self) -> Vec<u8> {
        self.encrypted(PLAIN, &OAEP_SHA256_MGF1SHA256, None)
    }

    /// What comes of a try after so many seconds.
    fn enter(&self, owner: &str, ciphertext: &[u8], seconds: u64) -> Result<(), Refusal> {
        let enter = EnterCard { session: self.name, ciphertext, seconds: HoldSeconds::new(1).unwrap() };
        self.entry.enter(owner, &enter, self.start + Duration::from_secs(seconds)).map(drop)
    }

    /// That nothing of it is kept any more.
    fn is_gone(&self) -> bool {
        self.enter("vault", &self.good(), 0) == Err(Refusal::UnknownEntry)
            && self.entry.counts() == (0, 0)
            && self.regions.sessions.free_slots() == 2 * EntryKey::SLOTS
    }
}

#[test]
fn a_session_takes_one_card() {
    let session = Session::open();
    assert_eq!(session.enter("vault", &session.good(), 0), Ok(()));
    assert!(session.is_gone());
}

#[test]
fn a_session_is_its_owners_and_ends_with_its_time() {
    let session = Session::open();
    assert_eq!(session.enter("other", &session.good(), 0), Err(Refusal::UnknownEntry));
    assert_eq!(session.entry.end("other", session.name, session.start), Err(Refusal::UnknownEntry));
    assert_eq!(session.enter("vault", &session.good(), 900), Err(Refusal::UnknownEntry));
    session.entry.sweep(session.start + Duration::from_secs(899));
    assert_eq!(session.entry.counts(), (0, 1));
    session.entry.sweep(session.start + Duration::from_secs(900));
    assert!(session.is_gone());
}

#[test]
fn a_session_that_is_ended_or_closed_is_gone() {
    let session = Session::open();
    assert_eq!(session.entry.end("vault", session.name, session.start), Ok(()));
    assert!(session.is_gone());
    let session = Session::open();
    session.entry.close();
    assert!(session.is_gone());
}

#[test]
fn the_fifth_failure_ends_a_session_and_four_do_not() {
    let mut tampered = Session::open();
    for failures in [4, 5] {
        let mut bad = tampered.good();
        bad[200] ^= 1;
        for _ in 0..failures {
            assert_eq!(tampered.enter("vault", &bad, 0), Err(Refusal::EntryRefused));
        }
        if failures == 4 {
            assert_eq!(tampered.enter("vault", &tampered.good(), 0), Ok(()));
            tampered = Session::open();
        }
    }
    assert!(tampered.is_gone());
}

/// Whatever is wrong, there is one refusal: padding, another hash, a label, another key, a
/// plaintext that is no card, or a number that is none.
#[test]
fn every_failure_is_the_same() {
    let (session, other) = (Session::open(), Session::open());
    let sha256 = &OAEP_SHA256_MGF1SHA256;
    let bad = [
        vec![0xff; 256],
        session.encrypted(PLAIN, &OAEP_SHA1_MGF1SHA1, None),
        session.encrypted(PLAIN, sha256, Some(b"label")),
        other.good(),
        session.encrypted(b"{}", sha256, None),
    ];
    for ciphertext in bad {
        assert_eq!(session.enter("vault", &ciphertext, 0), Err(Refusal::EntryRefused));
    }
    assert!(session.is_gone());
}

/// Two at a time with good cards: one session, one card.
#[test]
fn of_many_at_a_time_one_has_the_session() {
    let session = Session::open();
    let good = session.good();
    let taken: Vec<_> = std::thread::scope(|scope| {
        let tries: Vec<_> = (0..8).map(|_| scope.spawn(|| session.enter("vault", &good, 0))).collect();
        tries.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(taken.iter().filter(|one| one.is_ok()).count(), 1, "{taken:?}");
    assert!(taken.iter().all(|one| matches!(one, Ok(()) | Err(Refusal::UnknownEntry))), "{taken:?}");
    assert!(session.is_gone());
}

/// A card that could not be held costs no session.
#[test]
fn no_try_is_made_when_nothing_more_can_be_held() {
    let session = Session::open();
    let pan = Pan::parse(NUMBERS[0]).unwrap();
    for handle in 0..4 {
        let handle = CardHandle::from_bytes([handle; 16]);
        let ends = session.start + Duration::from_secs(9);
        session.entry.hold("vault", handle, (&pan, expiry()), ends).unwrap();
    }
    assert_eq!(session.enter("vault", &session.good(), 0), Err(Refusal::HoldLimit));
    session.entry.release("vault", CardHandle::from_bytes([0; 16]), session.start).unwrap();
    assert_eq!(session.enter("vault", &session.good(), 0), Ok(()));
}

#[test]
fn there_is_room_for_so_many_sessions_and_no_more() {
    let (entry, _) = entry();
    let room = entry.room().unwrap();
    let keys: Vec<_> = (0..2).map(|_| EntryKey::generate(&room).unwrap().0).collect();
    assert!(matches!(entry.room(), Err(Refusal::EntryLimit)));
    assert!(matches!(EntryKey::generate(&room), Err(Refusal::EntryLimit)));
    drop(keys);
    assert!(entry.room().is_ok());
}
