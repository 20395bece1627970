//! A node that stalls in its turn loses it, and finds out.

use std::time::Duration;

use tallystick::store::{Store, StoreError};

use super::node::{Node, hasty, journal};
use crate::contract::poisoned;
use crate::sample::full;
use crate::server::shared;

const SOON: Duration = Duration::from_millis(300);

#[test]
fn whoever_stalls_in_a_turn_is_passed_over_and_fenced() {
    let database = shared().database();
    let mut a = Node::with(&hasty(&database, "a", SOON));
    let mut b = Node::open(&database, "b");
    a.turn().unwrap();
    // What `a` decides now is decided on a state that will not be.
    b.turn().unwrap();
    b.append(&full()).unwrap();
    assert_eq!(a.append(&full()), Err(StoreError::Fenced));
    poisoned(&mut a.store);
    assert_eq!(journal(&database).len(), 1);
}

#[test]
fn whoever_stalls_and_was_not_missed_goes_on() {
    let database = shared().database();
    let mut a = Node::with(&hasty(&database, "a", SOON));
    let mut b = Node::open(&database, "b");
    a.turn().unwrap();
    b.turn().unwrap();
    b.store.rest().unwrap();
    a.append(&full()).unwrap();
    b.turn().unwrap();
    assert_eq!(b.log.0, a.log.0);
}

#[test]
fn a_turn_that_was_lost_can_be_given_back() {
    let database = shared().database();
    let mut a = Node::with(&hasty(&database, "a", SOON));
    let mut b = Node::open(&database, "b");
    a.turn().unwrap();
    b.turn().unwrap();
    b.append(&full()).unwrap();
    a.store.rest().unwrap();
    a.turn().unwrap();
    a.append(&full()).unwrap();
    b.turn().unwrap();
    assert_eq!(b.log.0, a.log.0);
}
