//! What goes wrong: crashes, faults, full disks, lost anchors, old copies, and
//! clocks that are set.

mod clocks;
mod edges;

use tallystick::store::{Fault, Faults, Operation, Room};

use crate::seeded::Dice;
use crate::server::Mood;
use crate::world::{Event, World};

/// Messages lost in a thousand, each way.
pub const LOSS: u64 = 5;

pub struct Trouble {
    pub dice: Dice,
    pub loss: u64,
    pub is_slow: bool,
    pub anchor_interval: u64,
    /// Whether the fault planned for removals of expired keys reaches the disk.
    pub last_fault_was_durable: bool,
    is_calm: bool,
    attack_is_due: bool,
}

impl Trouble {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed, "trouble");
        let anchor_interval = *dice.pick(&[50, 300, 2000]);
        Self {
            dice,
            loss: LOSS,
            is_slow: false,
            anchor_interval,
            last_fault_was_durable: false,
            is_calm: false,
            attack_is_due: false,
        }
    }

    /// Milliseconds that a commit takes.
    pub fn commit_latency(&mut self) -> u64 {
        if self.is_slow { self.dice.between(50, 600) } else { self.dice.about(12) }
    }

    pub fn anchor_latency(&mut self) -> u64 {
        if self.dice.chance(30) { self.dice.between(100, 3000) } else { self.dice.about(5) }
    }

    pub fn dies_while_starting(&mut self) -> bool {
        !self.is_calm && self.dice.chance(60)
    }

    pub fn nodes_change_places(&mut self) -> bool {
        self.dice.chance(100)
    }

    /// After the end that comes now, somebody may put old copies in place.
    pub fn attack_soon(&mut self) {
        self.attack_is_due = !self.is_calm && self.dice.chance(250);
    }

    pub fn attack_is_due(&mut self) -> bool {
        std::mem::take(&mut self.attack_is_due)
    }
}

impl World {
    pub fn make_trouble(&mut self) {
        if self.trouble.is_calm {
            return;
        }
        let pause = self.trouble.dice.about(500);
        self.agenda.after(pause, Event::Trouble);
        // What one node has forgotten while its clock was days ahead, another may still know:
        // one model fits both only if no clock is.
        let is_steady = self.server.is_shared;
        match self.trouble.dice.weighted(&[14, 7, 14, 7, 5, 6, 5, 10, 6, 1, 9, 9, 5, 4, 4, 10, 8, 4, 20]) {
            0 => self.crash(),
            1 => self.shut_down(),
            2 => self.plan_faults(),
            3 => self.take_room(),
            4 => self.spoil_place(),
            5 => self.slow_down(),
            6 => self.lose_messages(),
            7 => self.step_a_little(),
            8..=13 if is_steady => self.step_a_little(),
            8 => self.step_far(),
            9 => self.step_very_far(),
            10 => self.edge_of_key(),
            11 => self.edge_of_age(),
            12 => self.edge_of_short_value(),
            13 => self.edge_of_expiry(),
            14 => self.edge_of_lock(),
            15 => self.back_up(),
            16 => self.all_at_once(),
            17 => self.tidy(),
            _ => self.join(),
        }
    }

    /// The next operations of the disk fail, one way or another.
    fn plan_faults(&mut self) {
        let dice = &mut self.trouble.dice;
        let kinds = [Fault::Lost, Fault::Unreported, Fault::Full];
        let (append, other) = (*dice.pick(&kinds), *dice.pick(&kinds));
        let mut faults = Faults::none().at(Operation::Append, dice.between(1, 60), append);
        faults = faults.at(Operation::Expire, dice.between(1, 3), other);
        faults = faults.at(Operation::Anchor, dice.between(1, 4), other);
        self.trouble.last_fault_was_durable = other == Fault::Unreported;
        self.server.disk.plan(faults);
        self.trace.tell(self.clock.ms, None, format!("faults ahead: append {append:?}, else {other:?}"));
    }

    fn take_room(&mut self) {
        let room = *self.trouble.dice.pick(&[Room::Scarce, Room::None]);
        self.server.disk.set_room(room);
        self.trace.count("times room ran out");
        self.trace.tell(self.clock.ms, None, format!("room: {room:?}"));
        let wait = self.trouble.dice.between(200, 3000);
        self.agenda.after(wait, Event::RoomReturns);
    }

    pub fn room_returns(&mut self) {
        self.server.disk.set_room(Room::Ample);
        self.trace.tell(self.clock.ms, None, "room: Ample".to_owned());
    }

    fn spoil_place(&mut self) {
        self.server.place.mood = *self.trouble.dice.pick(&[Mood::Gone, Mood::Mute]);
        let is_long = self.trouble.dice.chance(250);
        let wait = if is_long {
            self.trouble.dice.between(10_000, 18_000)
        } else {
            self.trouble.dice.between(100, 2500)
        };
        self.agenda.after(wait, Event::PlaceReturns);
    }

    pub fn place_returns(&mut self) {
        self.server.place.mood = Mood::Well;
    }

    fn slow_down(&mut self) {
        self.trouble.is_slow = true;
        let wait = self.trouble.dice.between(1000, 8000);
        self.agenda.after(wait, Event::DiskReturns);
    }

    fn lose_messages(&mut self) {
        self.trouble.loss = 250;
        let wait = self.trouble.dice.between(500, 5000);
        self.agenda.after(wait, Event::NetworkReturns);
    }

    /// Everybody thinks of something at once.
    fn all_at_once(&mut self) {
        for client in 0..self.clients.len() {
            self.act(client);
        }
    }

    /// From here on all is well.
    pub fn calm_down(&mut self) {
        self.trouble.is_calm = true;
        self.trouble.loss = 0;
        self.trouble.is_slow = false;
        self.server.disk.plan(Faults::none());
        self.room_returns();
        self.place_returns();
        self.set_clock(0, "true again");
        self.trace.tell(self.clock.ms, None, "calm".to_owned());
    }
}
