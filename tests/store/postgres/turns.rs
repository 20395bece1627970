//! Turns: one node at a time, each after it has followed all the others.

use tallystick::store::{GroupNumber, PageKind, Space, Store, StoreError};

use super::node::{Met, Node, until_held, until_waiting};
use crate::contract::poisoned;
use crate::sample::{Content, Keep, full, page, record, token};
use crate::server::shared;

#[test]
fn following_gives_exactly_what_was_appended() {
    let database = shared().database();
    let (mut a, mut b) = (Node::open(&database, "a"), Node::open(&database, "b"));
    let removal = Content {
        records: vec![
            record(Space::Idempotency, b"key", None, None),
            record(Space::ParLink, b"", Some(u64::MAX), Some(b"")),
        ],
        ..Content::default()
    };
    // A row twice in one group: the last one stays, and both are told.
    let twice = Content {
        tokens: vec![token(9, 1, 1, b"first"), token(9, 2, u16::MAX, b"last")],
        pages: vec![page(PageKind::Counters, u32::MAX, b"a"), page(PageKind::Counters, u32::MAX, b"b")],
        records: vec![
            record(Space::Card, b"twice", Some(1), Some(b"x")),
            record(Space::Card, b"twice", None, None),
            record(Space::Card, b"twice", Some(2), Some(b"y")),
        ],
        ..Content::default()
    };
    for content in [full(), removal, twice, Content::default()] {
        a.turn().unwrap();
        a.append(&content).unwrap();
    }
    b.turn().unwrap();
    assert_eq!(b.log.0, a.log.0);
    assert_eq!(b.store.receipt().newest(), GroupNumber(4));
    assert_eq!(b.store.journal_bytes(), a.store.journal_bytes());
    b.append(&full()).unwrap();
    a.turn().unwrap();
    assert_eq!(a.log.0, b.log.0);
    a.store.rest().unwrap();
    assert_eq!(a.store.token(tallystick::store::TokenSlot(9)).unwrap(), Some(token(9, 2, u16::MAX, b"last")));
    let left = shared().psql(&database, "SELECT expires FROM tallystick.record WHERE space = 6");
    assert_eq!(left, "2");
}

#[test]
fn a_turn_waits_for_the_one_before() {
    let database = shared().database();
    let (mut a, mut b) = (Node::open(&database, "a"), Node::open(&database, "b"));
    a.turn().unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| b.turn().unwrap());
        until_waiting(&database, 1);
        assert!(!waiting.is_finished());
        a.append(&full()).unwrap();
    });
    assert_eq!(b.log.0, a.log.0);
    // A turn given back is as good.
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| a.turn().unwrap());
        until_waiting(&database, 1);
        b.store.rest().unwrap();
        waiting.join().unwrap();
    });
    a.append(&full()).unwrap();
}

#[test]
fn a_turn_may_be_asked_for_ahead() {
    let database = shared().database();
    let (mut a, mut b) = (Node::open(&database, "a"), Node::open(&database, "b"));
    for round in 0..4 {
        a.turn().unwrap();
        a.store.want_turn(true);
        a.append(&full()).unwrap();
        // It comes behind the commit, so the other one waits.
        until_held(&database);
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| b.turn().unwrap());
            until_waiting(&database, 1);
            match round {
                0 => {
                    a.turn().unwrap();
                    a.append(&full()).unwrap();
                    a.store.rest().unwrap();
                }
                1 => a.store.rest().unwrap(),
                // Whatever else the session is needed for ends it as well.
                2 => drop(a.store.tokens_after(None, 1).unwrap()),
                _ => a.store.set_anchored().unwrap(),
            }
            waiting.join().unwrap();
        });
        assert_eq!(b.log.0, a.log.0);
        b.append(&full()).unwrap();
        a.turn().unwrap();
        a.store.want_turn(false);
        a.append(&full()).unwrap();
        b.turn().unwrap();
        b.store.rest().unwrap();
    }
    assert_eq!(a.log.0, b.log.0);
}

#[test]
fn who_appends_out_of_turn_may_have_missed_nothing() {
    let database = shared().database();
    let (mut a, mut b) = (Node::open(&database, "a"), Node::open(&database, "b"));
    a.append(&full()).unwrap();
    a.append(&full()).unwrap();
    assert_eq!(b.append(&full()), Err(StoreError::OutOfOrder));
    poisoned(&mut b.store);
    assert_eq!(b.turn(), Err(StoreError::Poisoned));
    assert_eq!(b.store.rest(), Err(StoreError::Poisoned));
}

#[test]
fn a_group_that_does_not_follow_by_its_mac_is_out_of_order() {
    let database = shared().database();
    let mut a = Node::open(&database, "a");
    a.append(&full()).unwrap();
    let mut group = a.next(&full());
    group.before[31] ^= 1;
    assert_eq!(a.store.append(&group), Err(StoreError::OutOfOrder));
}

#[test]
fn a_newer_process_of_the_name_fences_the_older_one_and_no_other() {
    let database = shared().database();
    let (mut a, mut b) = (Node::open(&database, "a"), Node::open(&database, "b"));
    a.append(&full()).unwrap();
    let mut again = Node::open(&database, "a");
    assert!(again.store.epoch() > b.store.epoch() && b.store.epoch() > a.store.epoch());
    type Write = fn(&mut Node) -> Result<(), StoreError>;
    let writes: [Write; 5] = [
        Node::turn,
        |node| node.append(&full()),
        |node| node.store.set_anchored(),
        |node| node.store.expire(1).map(drop),
        |node| node.store.outgrow(tallystick::store::Epoch(99)),
    ];
    for write in writes {
        let mut old = std::mem::replace(&mut again, Node::open(&database, "a"));
        assert_eq!(write(&mut old), Err(StoreError::Fenced));
        poisoned(&mut old.store);
    }
    b.turn().unwrap();
    b.append(&full()).unwrap();
    again.turn().unwrap();
    again.append(&full()).unwrap();
}

#[test]
fn who_missed_groups_that_are_gone_is_fenced() {
    let database = shared().database();
    let (mut a, mut b) = (Node::open(&database, "a"), Node::open(&database, "b"));
    for _ in 0..3 {
        a.append(&Content { keep: Keep::Back(0), ..full() }).unwrap();
    }
    assert_eq!(b.turn(), Err(StoreError::Fenced));
    assert!(b.log.0.is_empty());
}

#[test]
fn a_database_that_was_put_back_is_noticed() {
    let older = "the store lacks a group that this node has seen";
    let other = "the store has another group in place of one that this node has seen";
    for (put_back, error) in [("number = number - 1", older), ("mac = before", other)] {
        let database = shared().database();
        let mut a = Node::open(&database, "a");
        a.append(&full()).unwrap();
        a.append(&full()).unwrap();
        let put_back = put_back.replace("before", "(SELECT before FROM tallystick.journal WHERE number = 2)");
        shared().psql(&database, &format!("UPDATE tallystick.head SET {put_back}"));
        assert_eq!(a.turn(), Err(StoreError::Corrupt(error)));
    }
}

#[test]
fn damage_is_told() {
    let damages = [
        ("UPDATE tallystick.journal SET number = 9 WHERE number = 2", StoreError::Fenced),
        (
            "UPDATE tallystick.journal SET before = mac WHERE number = 2",
            corrupt("a group does not follow the one before"),
        ),
        ("UPDATE tallystick.journal SET tokens = '\\x00'", corrupt("what a group wrote does not decode")),
        ("UPDATE tallystick.journal SET body = '\\x00'", corrupt("a journal body does not decode")),
        ("UPDATE tallystick.journal SET mac = '\\x00'", corrupt("a stored value has another form")),
        (
            "UPDATE tallystick.journal SET epoch = 99",
            corrupt("a journal row has an epoch that was never drawn"),
        ),
        (
            "DELETE FROM tallystick.journal WHERE number = 2",
            corrupt("the head is not the last group of the journal"),
        ),
        ("DELETE FROM tallystick.head", corrupt("the database has no head")),
    ];
    for (damage, error) in damages {
        let database = shared().database();
        let (mut a, mut b) = (Node::open(&database, "a"), Node::open(&database, "b"));
        a.append(&full()).unwrap();
        a.append(&full()).unwrap();
        shared().psql(&database, damage);
        assert_eq!(b.turn(), Err(error), "{damage}");
    }
}

#[test]
fn what_a_sink_refuses_ends_the_turn() {
    struct Refuses;
    impl tallystick::store::Follow for Refuses {
        fn follow(&mut self, _: tallystick::store::Followed<'_>) -> Result<(), StoreError> {
            Err(StoreError::Corrupt("refused"))
        }
    }
    let database = shared().database();
    let (mut a, mut b) = (Node::open(&database, "a"), Node::open(&database, "b"));
    a.append(&full()).unwrap();
    assert_eq!(b.store.turn(&mut Refuses), Err(StoreError::Corrupt("refused")));
    poisoned(&mut b.store);
    // Its lock is gone with its session.
    a.turn().unwrap();
    a.append(&full()).unwrap();
}

#[test]
fn what_is_written_beside_groups_in_a_turn_stays() {
    let database = shared().database();
    let mut a = Node::open(&database, "a");
    a.append(&full()).unwrap();
    a.turn().unwrap();
    assert_eq!(a.store.expire(u64::MAX), Ok(false));
    a.store.set_anchored().unwrap();
    a.append(&Content::default()).unwrap();
    assert_eq!(shared().psql(&database, "SELECT count(*) FROM tallystick.record"), "0");
    assert_eq!(shared().psql(&database, "SELECT anchored FROM tallystick.node"), "1");
    assert_eq!(Met::of(&a.next(&full())).number, 3);
}

const fn corrupt(what: &'static str) -> StoreError {
    StoreError::Corrupt(what)
}
