//! The committer's work, a step at a time: `daemon/hall/committer.rs` in
//! simulated time.

use tallystick::command::Refusal;
use tallystick::store::{Room, Store, StoreError};
use tallystick::types::UnixTime;

use super::Committer;
use crate::trace::fail;
use crate::world::{Event, World};

/// Milliseconds between looks at room and anchor, and between removals of what
/// has expired.
const LOOK: u64 = 100;
const TIDY: u64 = 60_000;

impl World {
    /// The committer looks for work.
    pub fn wake(&mut self) {
        self.answer_questions();
        let Some(up) = &mut self.server.up else { return };
        let Some(open) = up.engine.take_group() else {
            up.committer = Committer::Idle;
            if self.trouble.nodes_change_places() {
                self.change_places();
            }
            return;
        };
        let has_rows = open.has_rows();
        let group = up.chain.seal(open, up.keeper.anchored());
        self.server.sealed = group.number.0;
        self.trace.tell_group(self.clock.ms, &group);
        up.committer = Committer::Busy(Box::new(group), has_rows);
        self.make_room();
    }

    /// Looks for room for the group at hand; it is written a little later.
    pub fn make_room(&mut self) {
        self.answer_questions();
        let Some(room) = self.look() else { return };
        let start = self.server.start;
        if room == Room::None {
            self.trace.count("times a group waited for room");
            self.agenda.after(LOOK / 10, Event::Room(start));
            return;
        }
        let latency = self.trouble.commit_latency();
        self.agenda.after(latency, Event::Append(start));
    }

    /// Looks at room and anchor, and has the engine take on new work or not.
    fn look(&mut self) -> Option<Room> {
        let up = self.server.up.as_mut()?;
        let group = match &up.committer {
            Committer::Busy(group, _) => Some(&**group),
            _ => None,
        };
        let room = match up.store.reserve(group) {
            Ok(room) => room,
            Err(error) => fail(None, format!("a healthy store does not look for room: {error}")),
        };
        let why = match room {
            _ if up.keeper.is_failing(self.clock.ms) => Some(Refusal::Unanchored),
            Room::Ample => None,
            Room::Scarce | Room::None => Some(Refusal::StorageFull),
        };
        if why != up.closed {
            self.trace.tell(self.clock.ms, None, format!("new work: {why:?}"));
            self.trace.count(if why.is_some() { "times new work was refused" } else { "times work went on" });
            up.engine.close(why);
            up.closed = why;
            self.model.closed = why;
        }
        Some(room)
    }

    /// The group at hand is written.
    pub fn append(&mut self) {
        let Some(up) = &mut self.server.up else { return };
        let Committer::Busy(group, has_rows) = std::mem::replace(&mut up.committer, Committer::Idle) else {
            fail(None, "there is no group to be written".to_owned());
        };
        let number = group.number.0;
        match up.store.append(&group) {
            Ok(receipt) => {
                up.receipt = receipt;
                up.committer = Committer::Settling(number, has_rows);
                let head = up.chain.head();
                self.server.durable = number;
                self.model.commit(number);
                self.trace.count("groups");
                self.trace.counts_add("pages written", group.pages.len() as u64);
                self.tell_keeper(head);
                self.open_waiting();
                let pause = self.network.between(0, 2);
                self.agenda.after(pause, Event::Settle(self.server.start));
            }
            Err(error) => {
                self.trace.count(match error {
                    StoreError::Full => "appends that found no space",
                    _ => "appends that failed",
                });
                self.stop(&format!("group {number} could not be written: {error}"));
            }
        }
    }

    /// The engine is told that a group is durable; then the next is looked for.
    pub fn settle(&mut self) {
        let Some(up) = &mut self.server.up else { return };
        let Committer::Settling(number, has_rows) = std::mem::replace(&mut up.committer, Committer::Summoned)
        else {
            fail(None, "there is no group to settle".to_owned());
        };
        if has_rows {
            up.engine.committed(tallystick::store::GroupNumber(number));
            self.model.forget_rows(number);
        }
        self.wake();
    }

    /// Each 100 ms: room and anchor are looked at, and each minute what has
    /// expired is removed.
    pub fn tick(&mut self) {
        let start = self.server.start;
        self.follow();
        let Some(up) = &self.server.up else { return };
        self.agenda.after(LOOK, Event::Tick(start));
        if matches!(up.committer, Committer::Idle | Committer::Settling(..)) && self.look().is_none() {
            return;
        }
        if self.server.up.as_ref().is_some_and(|up| self.clock.ms - up.tidied >= TIDY) {
            self.tidy();
        }
    }

    /// Removes what has expired from engine and store.
    pub fn tidy(&mut self) {
        let now = self.clock.wall();
        let Some(up) = &mut self.server.up else { return };
        // Not while a group is on its way: the committer has one pair of hands.
        if !matches!(up.committer, Committer::Idle) {
            return;
        }
        up.tidied = self.clock.ms;
        while up.engine.expire(UnixTime::from_seconds(now)) {}
        self.model.expire(now);
        self.trace.tell(self.clock.ms, None, format!("what ended by {now} is removed"));
        match up.store.expire(now) {
            Ok(_) => {
                self.model.expire_stored(now);
                self.trace.count("times expired keys were removed");
            }
            Err(error) => {
                self.trace.count("removals that failed");
                if self.trouble.last_fault_was_durable {
                    self.model.expire_stored(now);
                }
                self.stop(&format!("what has expired could not be removed: {error}"));
            }
        }
    }
}
