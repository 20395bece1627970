//! What will happen when. Of two things at one moment, the one planned first
//! comes first.

use std::collections::BTreeMap;

#[derive(Debug)]
pub struct Agenda<E> {
    now: u64,
    planned: u64,
    events: BTreeMap<(u64, u64), E>,
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Self { now: 0, planned: 0, events: BTreeMap::new() }
    }
}

impl<E> Agenda<E> {
    /// Plans an event so many milliseconds from now.
    pub fn after(&mut self, ms: u64, event: E) {
        self.planned += 1;
        self.events.insert((self.now + ms, self.planned), event);
    }

    /// The next event, and when it is.
    pub fn next(&mut self) -> Option<(u64, E)> {
        let ((at, _), event) = self.events.pop_first()?;
        self.now = at;
        Some((at, event))
    }
}
