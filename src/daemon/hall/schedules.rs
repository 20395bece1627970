//! Hall, committer and keeper under shuttle: thousands of orders in which their
//! threads may run. Nobody may wait for ever, and no answer may leave before it is
//! durable.
//!
//! `RUSTFLAGS="--cfg shuttle" cargo test --lib schedules`. A failure prints its
//! schedule, for `shuttle::replay`.

mod fixture;
mod keeper;

use std::sync::Arc;
use std::time::Duration;

use shuttle::rand::{Rng, thread_rng};
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner};

use self::fixture::{Hotel, LOOK};
use crate::command::Refusal;
use crate::daemon::sync::{pass, spawn};
use crate::engine::Answer;
use crate::store::{Fault, Faults, Operation, Room};

/// Runs it under both schedulers, so many times each.
fn try_orders(times: usize, scenario: fn()) {
    let mut config = Config::new();
    config.stack_size = 1 << 19;
    let scenario = move || {
        crate::daemon::sync::reset();
        scenario();
    };
    Runner::new(RandomScheduler::new_from_seed(1, times), config.clone()).run(scenario);
    for depth in [2, 3, 5] {
        Runner::new(PctScheduler::new_from_seed(1, depth, times / 3), config.clone()).run(scenario);
    }
}

/// One in so many.
fn one_in(count: u32) -> bool {
    thread_rng().gen_ratio(1, count)
}

fn pick<T: Copy>(list: &[T]) -> T {
    list[thread_rng().gen_range(0..list.len())]
}

/// What a guest wants, one after the other. Whether all of it came to pass.
fn stay(hotel: &Hotel) -> bool {
    let issued = hotel.issue().map(drop);
    let changed = if one_in(2) { hotel.suspend_and_resume() } else { Ok(()) };
    let shown = hotel.show();
    [issued, changed, shown, hotel.issue().map(drop)].iter().all(Result::is_ok)
}

/// Guests come at once; the hotel is closed when the last has left.
fn guests(hotel: &Arc<Hotel>, count: usize) -> Vec<bool> {
    let guest = |hotel: Arc<Hotel>| spawn("guest", move || stay(&hotel)).unwrap();
    let guests: Vec<_> = (0..count).map(|_| guest(Arc::clone(hotel))).collect();
    guests.into_iter().map(|guest| guest.join().unwrap()).collect()
}

#[test]
fn every_guest_is_served_and_closing_commits_what_is_left() {
    try_orders(1500, || {
        let hotel = Hotel::open(Faults::none(), Room::Ample);
        assert_eq!(guests(&hotel, 3), [true; 3], "nothing failed, so nobody is sent away");
        let left = hotel.decide_only();
        assert_eq!(hotel.close(), Ok(()));
        assert!(hotel.durable() >= left.group().0, "what was decided before the end is durable");
        hotel.check_books();
    });
}

#[test]
fn a_failed_append_sends_everybody_away_and_loses_nothing() {
    try_orders(1500, || {
        let kind = pick(&[Fault::Lost, Fault::Unreported, Fault::Full]);
        let nth = thread_rng().gen_range(1..6);
        let hotel = Hotel::open(Faults::none().at(Operation::Append, nth, kind), Room::Ample);
        let served = guests(&hotel, 3);
        let ended = hotel.close();
        if ended.is_ok() {
            assert_eq!(served, [true; 3], "nothing failed, so nobody is sent away");
        } else {
            // Whoever comes later is told at once.
            assert!(hotel.issue().is_err() && hotel.show().is_err());
        }
        hotel.check_books();
    });
}

#[test]
fn at_turns_of_a_shared_store_every_guest_decides_and_nobody_waits_for_ever() {
    try_orders(1500, || {
        let kind = pick(&[Fault::Lost, Fault::Unreported, Fault::Full]);
        let nth = thread_rng().gen_range(1..6);
        let plan = if one_in(2) { Faults::none() } else { Faults::none().at(Operation::Append, nth, kind) };
        let hotel = Hotel::open_shared(plan);
        let closer = one_in(3).then(|| {
            let hotel = Arc::clone(&hotel);
            spawn("closer", move || hotel.hall.close()).unwrap()
        });
        let was_closed = closer.is_some();
        let served = guests(&hotel, 3);
        closer.into_iter().for_each(|closer| closer.join().unwrap());
        let ended = hotel.close();
        if ended.is_ok() && !was_closed {
            assert_eq!(served, [true; 3], "nothing failed, so nobody is sent away");
        } else if ended.is_err() {
            assert!(hotel.issue().is_err() && hotel.show().is_err());
        }
        hotel.check_books();
    });
}

#[test]
fn a_full_disk_makes_all_wait_and_then_go_on() {
    try_orders(1200, || {
        let hotel = Hotel::open(Faults::none(), pick(&[Room::None, Room::Scarce, Room::Ample]));
        let janitor = {
            let hotel = Arc::clone(&hotel);
            let work = move || {
                for room in [pick(&[Room::None, Room::Scarce]), Room::Ample] {
                    shuttle::thread::yield_now();
                    hotel.disk.set_room(room);
                    pass(LOOK);
                }
            };
            spawn("janitor", work).unwrap()
        };
        // They ask again as long as there is no room.
        assert_eq!(guests(&hotel, 2), [true; 2]);
        janitor.join().unwrap();
        assert!(hotel.issue().is_ok());
        assert_eq!(hotel.close(), Ok(()));
        hotel.check_books();
    });
}

#[test]
fn closing_while_guests_wait_leaves_nobody_waiting() {
    try_orders(1500, || {
        let hotel = Hotel::open(Faults::none(), pick(&[Room::None, Room::Ample]));
        let closer = {
            let hotel = Arc::clone(&hotel);
            spawn("closer", move || hotel.hall.close()).unwrap()
        };
        let served = guests(&hotel, 3);
        closer.join().unwrap();
        let ended = hotel.close();
        // A group that had no room may be lost, but nobody was told that it was not.
        assert!(ended.is_ok() || served.contains(&false));
        hotel.check_books();
    });
}

#[test]
fn what_has_expired_is_removed_while_guests_are_served() {
    try_orders(600, || {
        let kind = pick(&[Fault::Lost, Fault::Unreported]);
        let plan = if one_in(2) { Faults::none() } else { Faults::none().at(Operation::Expire, 1, kind) };
        let hotel = Hotel::open(plan, Room::Ample);
        let time = spawn("time", || (0..3).for_each(|_| pass(Duration::from_secs(60)))).unwrap();
        let served = guests(&hotel, 2);
        time.join().unwrap();
        let ended = hotel.close();
        assert!(ended.is_err() || served == [true; 2]);
        hotel.check_books();
    });
}

#[test]
fn a_refusal_for_want_of_room_changes_nothing() {
    try_orders(300, || {
        let hotel = Hotel::open(Faults::none(), Room::None);
        // The first is decided before anyone looks for room, and waits for it.
        let first = {
            let hotel = Arc::clone(&hotel);
            spawn("first", move || hotel.issue()).unwrap()
        };
        while !hotel.is_closed() {
            pass(LOOK);
            shuttle::thread::yield_now();
        }
        let before = hotel.horizon();
        let refused = hotel.decide_only();
        assert_eq!(hotel.horizon(), before, "a refusal changes nothing");
        hotel.disk.set_room(Room::Ample);
        assert!(first.join().unwrap().is_ok());
        let receipt = hotel.hall.wait_for(refused.group()).unwrap();
        let answer = refused.open(&receipt).expect("the receipt covers the group");
        assert!(matches!(answer, Answer::Ready(Err(Refusal::StorageFull))));
        assert_eq!(hotel.close(), Ok(()));
        hotel.check_books();
    });
}
