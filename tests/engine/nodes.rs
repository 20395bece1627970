//! Two engines over one store: what one decides, the other holds.

use std::cell::RefCell;
use std::sync::Arc;

use tallystick::engine::{Chain, Engine, Fetched, Outcome, Unsealed};
use tallystick::keys::Keyring;
use tallystick::store::{Epoch, Follow, Followed, GroupNumber, MemoryDisk, Store, StoreError, TokenRow};

use super::*;

/// What happens to a group on its way.
type Way = fn(Followed<'_>) -> Followed<'_>;

struct Sink<'a>(&'a mut Engine<Unsealed>, &'a mut Chain, Way);

impl Follow for Sink<'_> {
    fn follow(&mut self, group: Followed<'_>) -> Result<(), StoreError> {
        self.0.follow(self.1, (self.2)(group))
    }
}

fn node(limits: EngineLimits, disk: &MemoryDisk, keyring: &Arc<Keyring>, name: u32) -> Rig {
    let mut rig = Rig::with_limits(limits);
    (rig.disk, rig.keyring) = (disk.clone(), Arc::clone(keyring));
    rig.join(name);
    rig
}

fn two() -> [Rig; 2] {
    two_with(EngineLimits::default())
}

fn two_with(limits: EngineLimits) -> [Rig; 2] {
    let (disk, keyring) = (MemoryDisk::new(), Arc::new(support::new_keys().load().unwrap()));
    [1, 2].map(|name| node(limits, &disk, &keyring, name))
}

fn follow_by(rig: &mut Rig, way: Way) -> Result<(), StoreError> {
    let followed = rig.store.turn(&mut Sink(&mut rig.engine, &mut rig.chain, way));
    rig.receipt = rig.store.receipt();
    if followed.is_ok() {
        rig.store.rest().unwrap();
    }
    followed
}

fn follow(rig: &mut Rig) {
    follow_by(rig, |group| group).unwrap();
}

#[test]
fn what_one_node_decides_the_other_holds() {
    let [mut one, mut two] = two();
    let saved = |rig: &mut Rig| {
        token_of(rig.run_keyed(b"key", b"body", Command::Provision(Box::new(card(PAN, "2912")))))
    };
    let token = saved(&mut one);
    let first = one.issue(token.token, paying(1)).unwrap();
    assert_eq!(two.engine.token_count(), 0);
    follow(&mut two);
    assert_eq!(two.engine.token_count(), 1);
    assert_eq!(saved(&mut two).token, token.token, "a retry at the other node");
    let second = two.issue(token.token, paying(1)).unwrap();
    let atc = |cryptogram: Cryptogram| cryptogram.header().unwrap().atc.get();
    assert_eq!((atc(first), atc(second)), (1, 2));
    assert_eq!(two.verify(&token, paying(1), first), Ok(1));
    follow(&mut one);
    assert_eq!(one.verify(&token, paying(1), first), Err(Refusal::Replayed));
    assert_eq!(one.verify(&token, paying(1), second), Ok(2));
    one.status(token.token, StatusEvent::Suspend).unwrap();
    follow(&mut two);
    assert_eq!(two.verify(&token, paying(1), second), Err(Refusal::TokenSuspended));
}

#[test]
fn misses_at_one_node_lock_at_the_other_and_an_admin_at_one_unlocks_both() {
    let [mut one, mut two] = two();
    let token = one.provision();
    let good = one.issue(token.token, paying(1)).unwrap();
    for miss in 0..10 {
        let rig = if miss % 2 == 0 { &mut one } else { &mut two };
        follow(rig);
        assert_eq!(rig.verify(&token, paying(1), flipped(good, 150)), Err(Refusal::BadMac));
    }
    for rig in [&mut one, &mut two] {
        follow(rig);
        assert_eq!(rig.verify(&token, paying(1), good), Err(Refusal::TokenLocked));
    }
    one.run(Command::ClearShortLock(token.token)).unwrap();
    follow(&mut two);
    assert_eq!(two.verify(&token, paying(1), good), Ok(1));
}

/// Under a key that it has not, it could not even tell that the group is authentic.
#[test]
fn a_node_with_an_older_keyring_follows_no_longer() {
    for purpose in [KeyPurpose::TokenDerivation, KeyPurpose::Audit] {
        let (disk, mut keys) = (MemoryDisk::new(), support::new_keys());
        let before = Arc::new(keys.load().unwrap());
        let mut one = node(EngineLimits::default(), &disk, &before, 1);
        keys.rotate(&SystemRandom, purpose, UnixTime::from_seconds(one.now)).unwrap();
        let mut two = node(EngineLimits::default(), &disk, &Arc::new(keys.load().unwrap()), 2);
        two.engine.tell_keyring();
        two.commit().unwrap();
        assert_eq!(follow_by(&mut one, |group| group), Err(StoreError::StaleKeyring), "{purpose:?}");
    }
}

#[test]
fn whatever_of_a_group_is_changed_on_its_way_it_is_not_followed() {
    const WAYS: [Way; 8] = [
        |mut group| {
            group.group.mac[0] ^= 1;
            group
        },
        |mut group| {
            group.group.epoch = Epoch(group.group.epoch.0 + 1);
            group
        },
        |mut group| {
            group.group.number = GroupNumber(group.group.number.0 + 1);
            group
        },
        |mut group| {
            group.tokens.iter_mut().for_each(|row| row.body[0] ^= 1);
            group
        },
        |mut group| {
            group.records.iter_mut().for_each(|record| record.key.push(1));
            group
        },
        |mut group| {
            group.records.clear();
            group
        },
        |mut group| {
            group.tokens.clear();
            group
        },
        |mut group| {
            group.pages.clear();
            group
        },
    ];
    for (number, way) in WAYS.into_iter().enumerate() {
        // With such a journal, pages are written with every group.
        let [mut one, mut two] = two_with(EngineLimits { journal_bytes: 1, ..EngineLimits::default() });
        // A token, what is remembered of its key, and the page that it is on.
        token_of(one.run_keyed(b"key", b"body", Command::Provision(Box::new(card(PAN, "2912")))));
        let refused = follow_by(&mut two, way);
        assert!(matches!(refused, Err(StoreError::Corrupt(_))), "way {number}: {refused:?}");
    }
}

/// Long before any page is written that would show it.
#[test]
fn an_older_row_or_none_does_not_stand_for_one() {
    const WAYS: [Way; 3] = [
        |mut group| {
            group.tokens.clear();
            group
        },
        |mut group| {
            group.tokens = OLD.take();
            group
        },
        |mut group| {
            group.tokens.extend(group.tokens.clone());
            group
        },
    ];
    thread_local!(static OLD: RefCell<Vec<TokenRow>> = const { RefCell::new(Vec::new()) });
    for (number, way) in WAYS.into_iter().enumerate() {
        let [mut one, mut two] = two();
        let token = one.provision();
        follow_by(&mut two, |group| {
            OLD.replace(group.tokens.clone());
            group
        })
        .unwrap();
        one.status(token.token, StatusEvent::Suspend).unwrap();
        let refused = follow_by(&mut two, way);
        assert!(matches!(refused, Err(StoreError::Corrupt(_))), "way {number}: {refused:?}");
    }
}

#[test]
fn nothing_is_followed_over_what_is_not_committed() {
    for is_taken in [false, true] {
        let [mut one, mut two] = two();
        one.provision();
        let command = Command::Provision(Box::new(card(PAN, "2912")));
        let decided = edges::ask_for(&mut two, command, &Fetched::Nothing);
        assert!(matches!(decided, Outcome::Answer(_)));
        assert_eq!(is_taken, is_taken && two.engine.take_group().is_some());
        assert_eq!(follow_by(&mut two, |group| group), Err(StoreError::OutOfOrder));
    }
}
