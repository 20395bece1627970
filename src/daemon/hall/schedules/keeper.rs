//! The keeper of the anchor, alone and behind the committer.

use std::io::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex as Plain};
use std::time::Duration;

use super::super::*;
use super::fixture::{Hotel, keyring};
use super::{guests, one_in, try_orders};
use crate::daemon::anchor::{Bytes, Keeper, Place, Rank};
use crate::daemon::sync::{pass, spawn};
use crate::engine::Anchor;
use crate::store::{ChainHead, Epoch, Faults, Room};

const INTERVAL: Duration = Duration::from_millis(300);

/// A place in memory that fails now and then.
#[derive(Clone, Default)]
struct Shelf(Arc<Plain<Kept>>);

#[derive(Default)]
struct Kept {
    bytes: Option<Bytes>,
    /// Whether a write may fail.
    is_moody: bool,
    newest: u64,
}

impl Shelf {
    fn keep(&self, bytes: Bytes) {
        let kept = Anchor::from_bytes(&keyring(), &bytes).unwrap();
        let mut shelf = self.0.lock().unwrap();
        assert!(kept.head.number.0 >= shelf.newest, "the anchor goes back");
        (shelf.newest, shelf.bytes) = (kept.head.number.0, Some(bytes));
    }

    fn newest(&self) -> u64 {
        self.0.lock().unwrap().newest
    }
}

impl Place for Shelf {
    fn read(&mut self, _: Rank<'_>) -> Result<Option<Bytes>> {
        Ok(self.0.lock().unwrap().bytes)
    }

    fn write(&mut self, bytes: &Bytes) -> Result<()> {
        shuttle::thread::sleep(Duration::ZERO);
        if self.0.lock().unwrap().is_moody && one_in(3) {
            return Err(Error::from(ErrorKind::Interrupted));
        }
        self.keep(*bytes);
        shuttle::thread::sleep(Duration::ZERO);
        Ok(())
    }

    fn name(&self) -> &'static str {
        "shelf"
    }
}

fn head(number: u64) -> ChainHead {
    ChainHead { number: GroupNumber(number), mac: [7; 32] }
}

fn keeper(shelf: &Shelf, epoch: u64, head: ChainHead) -> Keeper {
    Keeper::start(vec![Box::new(shelf.clone())], &keyring(), Epoch(epoch), head, INTERVAL).unwrap()
}

#[test]
fn the_last_group_is_told_in_the_end_and_none_is_claimed_that_was_not() {
    try_orders(1500, || {
        let shelf = Shelf::default();
        shelf.0.lock().unwrap().is_moody = true;
        let keeper = Arc::new(keeper(&shelf, 1, head(0)));
        let time = spawn("time", || (0..3).for_each(|_| pass(INTERVAL))).unwrap();
        for number in 1..5 {
            keeper.tell(head(number));
            assert!(keeper.keeping().anchored.0 <= shelf.newest(), "claimed before it was told");
        }
        time.join().unwrap();
        shelf.0.lock().unwrap().is_moody = false;
        drop(Arc::into_inner(keeper).unwrap());
        assert_eq!(shelf.newest(), 4);
    });
}

#[test]
fn without_an_end_the_newest_is_told_as_time_goes_by() {
    try_orders(600, || {
        let shelf = Shelf::default();
        let keeper = keeper(&shelf, 1, head(0));
        (1..4).for_each(|number| keeper.tell(head(number)));
        while keeper.keeping().anchored.0 < 3 {
            pass(INTERVAL);
            shuttle::thread::yield_now();
        }
        assert_eq!(shelf.newest(), 3);
    });
}

#[test]
fn a_newer_opening_fences_the_keeper_off() {
    try_orders(600, || {
        let shelf = Shelf::default();
        let keeper = keeper(&shelf, 1, head(0));
        let token_key = keyring().token_derivation.active().0;
        shelf.keep(Anchor { epoch: Epoch(2), head: head(9), token_key }.to_bytes(&keyring()));
        keeper.tell(head(1));
        while !keeper.keeping().is_fenced {
            shuttle::thread::yield_now();
        }
        drop(keeper);
        assert_eq!(shelf.newest(), 9);
    });
}

#[test]
fn behind_the_committer_it_knows_the_last_group_when_all_is_closed() {
    try_orders(600, || {
        let shelf = Shelf::default();
        let hotel = Hotel::open_with(Faults::none(), Room::Ample, |epoch, chain| {
            keeper(&shelf, epoch.0, chain.head())
        });
        assert_eq!(guests(&hotel, 2), [true; 2]);
        assert_eq!(hotel.close(), Ok(()));
        assert_eq!(shelf.newest(), hotel.durable());
        hotel.check_books();
    });
}
