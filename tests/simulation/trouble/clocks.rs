//! Wall clocks that are set, forward and backward.

use crate::world::{Event, World};

const DAY: i64 = 86_400;
/// Seconds until time slots come round: 65,536 of ten minutes.
const ROUND: i64 = 65_536 * 600;

impl World {
    /// Sets the wall clock so many seconds from the true time.
    pub fn set_clock(&mut self, set: i64, why: &str) {
        let before = std::mem::replace(&mut self.clock.set, set);
        self.trace.count(if set < before { "clock steps backward" } else { "clock steps forward" });
        self.trace.tell(self.clock.ms, None, format!("the clock is {why}: by {} s", set - before));
    }

    fn step(&mut self, by: i64) {
        self.set_clock(self.clock.set + by, "stepped");
    }

    /// Seconds, minutes, a few time slots.
    pub fn step_a_little(&mut self) {
        let dice = &mut self.trouble.dice;
        let by = *dice.pick(&[1, -1, 30, -30, 599, 600, -600, -601, 1200, -1200, 3600, -3600]);
        self.step(by);
    }

    /// Hours and days: idle time, and its undoing.
    pub fn step_far(&mut self) {
        let dice = &mut self.trouble.dice;
        let by = *dice.pick(&[
            DAY,
            -DAY,
            DAY - 1,
            DAY + 1,
            DAY + 600,
            -DAY / 2,
            3 * DAY,
            -3 * DAY,
            5 * 3600,
            -5 * 3600,
            30 * DAY,
        ]);
        if self.clock.set.abs() > 40 * DAY {
            return self.set_clock(0, "corrected");
        }
        self.step(by);
        if self.trouble.dice.chance(500) {
            // Long before the removal that its time would bring.
            self.tidy();
        }
    }

    /// Time slots come round, or the clock has lost its battery.
    pub fn step_very_far(&mut self) {
        let set = self.clock.set;
        let dice = &mut self.trouble.dice;
        match dice.below(3) {
            0 => {
                let by = ROUND + *dice.pick(&[-600, 0, 600, 144 * 600, 145 * 600]);
                self.set_clock(set + by, "a round further");
            }
            1 => {
                let until = ROUND - i64::try_from(self.clock.wall()).unwrap() % ROUND;
                self.set_clock(set + until - 700, "about to come round");
            }
            _ => self.clock.show(1000),
        }
        let wait = self.trouble.dice.between(500, 4000);
        self.agenda.after(wait, Event::SetClock(set));
    }

    /// Sets the clock for a moment.
    pub fn show_for_a_moment(&mut self, seconds: u64, what: &str) {
        let set = self.clock.set;
        self.clock.show(seconds);
        let shown = std::mem::replace(&mut self.clock.set, set);
        self.set_clock(shown, what);
        if self.trouble.dice.chance(700) {
            self.agenda.after(60, Event::SetClock(set));
        }
    }
}
